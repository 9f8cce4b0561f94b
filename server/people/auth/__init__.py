"""Sign-in: passwords, tokens, sessions and the keys that sign them."""
