"""Passes tickets on to somebody else."""
