"""The HTTP service: thin routes over the same calls that Python and the commands make.

Folders, each importing only those before it: `http`, `services`, `middleware`, `jobs`, `dependencies`, `routes`;
`app` puts them together, `run` listens.
"""
