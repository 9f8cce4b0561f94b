"""Measurements of the whole server against baselines, run by name."""
