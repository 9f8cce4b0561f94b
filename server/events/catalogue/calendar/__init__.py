"""An event as an iCalendar file."""
