"""Deterministic simulation: the shipped actor, session and hub in a seeded world.

`python3 dev.py simulate` runs many seeds; each is a tape of actions drawn from its
number and played on a virtual loop, so that a failure can be played again.
"""
