"""How the bundled weights were made: one recipe a network. Not installed with the package."""
