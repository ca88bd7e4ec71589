"""Nodes: read, edited, enabled, disabled, restarted."""
