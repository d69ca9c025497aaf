"""Honest figures: metrics with their intervals."""
