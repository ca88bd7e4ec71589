"""New birds on open pages, as they come."""
