"""Networks: arrays -> arrays. A card says what a network is; a runtime runs it."""
