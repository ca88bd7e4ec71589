"""Numbers that one process writes and another reads, in shared memory."""
