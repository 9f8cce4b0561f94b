"""Organisations: who may do what for them, their machines, and their mails."""
