"""Counts of birds over time, kept in the same transaction as the birds themselves."""
