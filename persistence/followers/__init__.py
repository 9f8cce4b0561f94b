"""What happens because of what happened to an event: followers of its journal."""
