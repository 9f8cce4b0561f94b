"""Tables of accounts, sessions, organisations, keys, activity."""
