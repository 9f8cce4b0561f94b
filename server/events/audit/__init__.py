"""Receipts of what was sold, signed, from a replay of the journal."""
