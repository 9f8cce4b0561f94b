"""Promotions, the codes that redeem them, and which order redeemed which."""
