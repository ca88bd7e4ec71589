"""The audit log: who changed what, when, from where. Nothing but `record` writes it."""
