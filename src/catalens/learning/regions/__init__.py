"""Detectors and segmenters trained on photos of one's own."""
