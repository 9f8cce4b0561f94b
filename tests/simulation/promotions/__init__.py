"""Promotions in the simulated worlds: codes are looked at, reserved, used, given back.

Service, rules and what asks the tables are what ships; the tables are made here.
"""
