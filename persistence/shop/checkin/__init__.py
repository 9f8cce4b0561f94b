"""Check-in as rows: lists, scans as they were, and who is in."""
