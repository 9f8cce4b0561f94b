"""Announcements of organisations."""
