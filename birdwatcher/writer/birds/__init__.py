"""Nodes' frames: birds, their counts, the nodes' statuses, history, and rejected packets."""
