"""Venues and their maps."""
