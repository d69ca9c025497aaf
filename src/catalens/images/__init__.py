"""Pictures: read (`read`), fetch (`remote`), prepare (`prepare`), make better (`enhance`), draw (`draw`)."""
