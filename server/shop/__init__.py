"""What is sold beside the seats themselves: orders, payment, tickets, check-in."""
