"""The truth of a catalog: products, variants, pictures and vectors in one durable place."""
