"""Metrics with confidence intervals, evaluation protocols and reports."""
