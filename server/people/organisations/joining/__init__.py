"""How one becomes a member of an organisation: invited, or let in."""
