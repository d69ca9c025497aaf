"""Explanations of predictions and matches, and provenance of generated pictures."""
