"""What the shop stores, as rows."""
