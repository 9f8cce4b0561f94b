"""Servers of several processes, which these tests share."""
