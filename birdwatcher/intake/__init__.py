"""Rows that do not come through the daemon: birds that people and programs add."""
