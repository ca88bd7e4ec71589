"""What the database knows of the running daemon, its processes, and the state of each node."""
