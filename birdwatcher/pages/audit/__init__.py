"""The audit log: a list with filters, pages by key, and files."""
