"""The line of an event: who waits for it, in front of a sale and behind it."""
