"""Deleting a node with everything that is kept of it, however much that is."""

from __future__ import annotations

from birdwatcher.birds.removal import remove_birds
from birdwatcher.nodes.models import Node


def remove(node: Node) -> None:
    """Disable `node`, delete its birds a few at a time, and then itself.

    Interrupted, it leaves a disabled node with fewer birds, and can be called again. To be called
    outside any transaction. Raises django.db.Error.
    """
    clear(node)
    node.delete()


def clear(node: Node) -> None:
    """Do all of it but the last step, so that this is a matter of a moment."""
    Node.objects.filter(pk=node.pk).update(enabled=False)
    remove_birds(node=node.pk)
