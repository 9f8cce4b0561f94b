"""Tables of what an event sold, for spreadsheets."""
