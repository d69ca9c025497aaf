"""Requests and responses: errors as problems, the OpenAPI document."""
