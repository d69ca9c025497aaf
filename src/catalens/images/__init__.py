"""Pictures: read (`read`), fetch (`remote`), prepare for networks (`prepare`), make better (`enhance`), draw (`draw`)."""
