"""Tables of the shop around the seats."""
