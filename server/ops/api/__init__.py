"""Descriptions of what clients may rely on, made from the types that serve them."""
