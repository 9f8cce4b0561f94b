"""Who takes the money: providers of payment, what they say, and our test gateway."""
