"""Exports: rows that a list shows, sent as a file while they are read."""
