"""Limits and logs around every request: load shedding, body limits, rate limit, idempotency, request log."""
