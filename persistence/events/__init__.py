"""Tables of events, venues, bookings, attendees, images."""
