"""Organisations: members, roles, invitations, requests to join."""
