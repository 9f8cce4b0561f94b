"""API keys, with which machines sign in."""
