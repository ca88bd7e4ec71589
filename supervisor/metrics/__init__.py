"""Metrics of the daemon: what is measured, and how Prometheus reads it."""
