"""What people say to each other, and to who sells: support."""
