"""Selling at a counter: to whoever stands there, by somebody who runs the event."""
