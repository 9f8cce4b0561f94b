"""Messages between processes: a bus that may lose anything."""
