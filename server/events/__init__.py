"""Events: catalogue, venues, sales, bookings, attendees, analytics."""
