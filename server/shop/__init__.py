"""What is bought: orders, payments, tickets, check-in."""
