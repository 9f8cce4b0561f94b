"""Rehearsals: an event's own sale with simulated people, on a clock that jumps."""
