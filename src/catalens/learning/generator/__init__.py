"""Generators of product pictures trained on photos of one's own."""
