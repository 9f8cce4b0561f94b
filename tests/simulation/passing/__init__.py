"""Tickets passed on in the simulated worlds: offered by mail, taken with its code.

Service, what it asks the tables, and the job that ends offers are what ships. Who takes
a ticket knows nothing but what is in the mail, as it arrived.
"""
