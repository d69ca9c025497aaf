"""What goes together: outfits, rooms, and the products on a photo."""
