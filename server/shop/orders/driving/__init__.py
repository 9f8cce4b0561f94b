"""What moves orders: facts reach them at a desk, and a driver does what they wish."""
