"""Recipes: one file each, and the rendered products that they learn from."""
