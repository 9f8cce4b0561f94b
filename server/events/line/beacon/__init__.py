"""Rounds of a beacon: what nobody knows before their time, and anybody can check."""
