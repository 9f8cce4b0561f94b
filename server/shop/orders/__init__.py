"""Orders: a hold, priced once and paid, becomes a booking; else all goes back."""
