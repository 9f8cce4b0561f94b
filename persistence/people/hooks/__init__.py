"""Webhooks of organisers: who is told what, and what became of it."""
