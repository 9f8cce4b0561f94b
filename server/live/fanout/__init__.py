"""What watchers get of each event, encoded once for all of them."""
