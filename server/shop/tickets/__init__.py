"""Tickets: their numbers, codes and pictures, and what is good no longer."""
