"""The writer: the daemon's only process that touches the database."""
