"""What users train on their own photos: heads, fine-tuned encoders, and whole networks, each in a folder of its own.

How the bundled weights were made is in `recipes/`, beside the package and not installed; nothing here imports it.
"""
