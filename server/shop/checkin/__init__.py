"""Check-in: gates, lists of who may come in, and who did."""
