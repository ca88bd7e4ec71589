"""Retain every batch until the writer acknowledges it: in memory, then in the spool."""
