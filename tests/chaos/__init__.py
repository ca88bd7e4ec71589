"""Fault injection: a load of numbered events, everything breaks, and the books are balanced.

`events`, `connection`, `detector` and `load` are the nodes' side: who sent what, over which
connection, and how much of it the daemon has provably read. `faults/` breaks things, `site` puts
them together again, `storm` does both for a while in a random order, and `books` compares what was
received with what the database holds, event by event.
"""
