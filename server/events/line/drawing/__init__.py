"""The list and the order of a draw, computed where no sale waits for it."""
