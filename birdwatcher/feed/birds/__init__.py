"""The feed of birds: its filter, messages, queries and triggers."""
