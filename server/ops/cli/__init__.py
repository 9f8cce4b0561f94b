"""The commands of `onsale`."""
