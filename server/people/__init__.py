"""People: sign-in, accounts, organisations, API keys, who did what."""
