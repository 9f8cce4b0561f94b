"""The letter that whoever bought something gets, with the tickets and a calendar file.

The full set of notices comes later, and goes on from the same cursor.
"""
