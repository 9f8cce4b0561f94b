"""What tells that the shop is full."""
