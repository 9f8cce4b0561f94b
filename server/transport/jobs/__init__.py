"""Works that are done again and again, each by one process at a time."""
