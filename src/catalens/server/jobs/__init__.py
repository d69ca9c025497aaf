"""Background jobs: the queue and the import of feeds."""
