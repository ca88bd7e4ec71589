"""Find birds, newest first: a page costs the same for any number of birds.

`search` is the question, `keyset` a position in the order of the birds, `walk` reads along an
index, `pages` makes pages, `totals` knows numbers.
"""
