"""Families of networks made by others, one file a family."""
