"""Accounts: profile, password, address; users for administrators."""
