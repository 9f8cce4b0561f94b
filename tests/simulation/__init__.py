"""Deterministic simulation: the shipped processes, session to actor, in a seeded world.

About half of the worlds have several processes, with a bus between them.
`python3 dev.py simulate` runs many seeds; each is a tape of actions drawn from its
number and played on a virtual loop, so that a failure can be played again.
"""
