"""Runs the draws of lines: the list closed, told, ordered by a round, and fed."""
