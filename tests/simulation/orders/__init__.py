"""Orders in the simulated worlds: rules, driver, desk and services are what ships.

Their tables, the bank that takes the money, and buyers who pay, double, leave, come
late or never are made here. A process that dies, dies between any two of their steps.
"""
