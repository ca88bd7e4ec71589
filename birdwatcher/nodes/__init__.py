"""The detector nodes: where they stand on the network, and how they fare."""
