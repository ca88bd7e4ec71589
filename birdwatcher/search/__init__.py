"""Finding birds, newest first: a page of them costs the same however many there are.

`search` is what is asked for, `keyset` a place in the order of the birds, `walk` the way along an
index, `pages` what a reader sees, `totals` how many there are.
"""
