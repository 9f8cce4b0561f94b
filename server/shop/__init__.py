"""The shop around the seats: orders, payments, money, tickets, check-in."""
