"""Orders: what is bought, the attempts to pay it, and what is given back."""
