"""The shop around the seats: orders, what was paid, what was given for it."""
