"""Whether all is well: judged from the database, on whichever host."""
