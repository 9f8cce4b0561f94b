"""The line of an event: who waits, in which order, and why in that order."""
