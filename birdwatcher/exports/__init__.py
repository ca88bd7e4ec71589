"""Birds to take along: what a search finds, sent as a file while it is being read."""
