"""The actors of the events in this process, and the way to them."""
