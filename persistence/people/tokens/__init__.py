"""Who proves to be somebody by a token alone: its keys, and the guests that stay."""
