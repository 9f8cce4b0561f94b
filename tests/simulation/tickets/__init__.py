"""Tickets in the simulated worlds: the follower, its passes and the gate's rules ship.

Their tables and the gates are made here. A process dies in the middle of a pass.
"""
