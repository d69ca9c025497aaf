"""Nearest vectors, derived from the store and rebuildable from it."""
