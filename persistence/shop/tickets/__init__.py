"""Tickets as rows, the keys that sign them, and what was revoked."""
