"""Rows of the shop: orders, payments, tickets, check-in."""
