"""One event on sale over REST: state, seats, commands, journal."""
