"""Requests counted as they pass, for Prometheus."""
