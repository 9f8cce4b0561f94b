"""Tickets of support: raised by buyers, told to the organiser."""
