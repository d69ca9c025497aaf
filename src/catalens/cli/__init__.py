"""The command line: one small file per group of commands. Each parses, calls the library and prints."""
