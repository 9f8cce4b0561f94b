"""Counts of what was committed."""
