"""`onsale demo --line`: thousands wait for a small hall, and anybody checks the order.

Purpose: show the line from the first who joins to the transcript that `onsale verify`
finds whole. The beacon is one of our own on loopback, so that no network is needed.

Lifecycle and imports: those of the demo.

Invariants: what the people were told is compared with the transcript and the audit.
"""
