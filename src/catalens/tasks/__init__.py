"""One file, one thing to do with a picture."""
