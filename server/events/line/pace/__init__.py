"""How many turns a second, by what turns take and how the shop bears it."""
