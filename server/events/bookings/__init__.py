"""What buyers have booked, for them and for organisers."""
