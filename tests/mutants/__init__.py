"""Seeded bugs: a guard that no mutant can break is a guard that nobody tests."""
