"""How text becomes words, for the index and for the query alike.

It stands below storage, which writes the words of each product in the transaction that writes the product, and below
search, which reads a query by the same rules. What two spellings have in common is decided here and nowhere else.
"""
