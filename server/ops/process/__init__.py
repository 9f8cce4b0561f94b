"""Processes of one server: supervisor, workers, their ports."""
