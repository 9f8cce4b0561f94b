"""The line as clients speak of it: over REST and on the websocket."""
