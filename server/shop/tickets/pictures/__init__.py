"""Tickets as one takes them along: the QR, a page to print, what a wallet reads."""
