"""The library over HTTP: one small route file for each noun, thin over the calls that Python and the commands make."""
