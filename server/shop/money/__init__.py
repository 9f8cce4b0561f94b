"""What an order costs line by line, and the books of what was paid and given back."""
