"""The running daemon, its processes, and the current state of each node, by the database."""
