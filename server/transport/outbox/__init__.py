"""What leaves us for machines of others."""
