"""Those who wait at sockets, and what is told to them."""
