"""Django's admin: the pages on which staff edit nodes, birds, people and tokens."""
