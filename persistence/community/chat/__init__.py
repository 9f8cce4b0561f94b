"""Rooms in which people talk, and what they say there."""
