"""Giving back in the simulated worlds: by lines, by amount, whole events.

Services, giver, rules and the job are what ships. Those who ask are made here, and what
was promised to them is held against what the bank did.
"""
