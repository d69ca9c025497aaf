"""Outfit networks trained on outfits of one's own."""
