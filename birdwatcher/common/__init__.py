"""Helpers without models that every room may use."""
