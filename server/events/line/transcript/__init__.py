"""What becomes of a line, written down for everybody, one record a line."""
