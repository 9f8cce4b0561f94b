"""Passwords: hashed, compared, and refused where everybody tries them first."""
