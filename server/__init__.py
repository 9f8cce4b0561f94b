"""Clients, fan-out and the shop around the stock."""

__version__ = "0.1.0"
