"""What leaves us, by all its channels: how it goes, and letting it go again."""
