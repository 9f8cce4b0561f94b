"""What codes take off orders, for whom, when, and how often."""
