"""Remember and find: products, variants, pictures, vectors and words in one durable folder."""
