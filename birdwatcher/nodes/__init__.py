"""The detector nodes: their addresses, states and history."""
