"""The birds that the nodes heard, and their species."""
