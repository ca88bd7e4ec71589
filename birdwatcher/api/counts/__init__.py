"""How many birds there were, up to a moment and in a range of time."""
