"""Webhooks of organisers: signed messages about what happens to what they sell."""
