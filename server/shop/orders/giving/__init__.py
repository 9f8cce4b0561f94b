"""Gives back: lines of an order, money alone, whole events that are cancelled."""
