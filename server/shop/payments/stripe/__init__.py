"""Stripe as a provider of payment, through its own library; extra `[stripe]`."""
