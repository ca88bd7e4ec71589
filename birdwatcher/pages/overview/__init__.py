"""The overview: how the network is now, and what it hears."""
