"""Deleting a node with everything that is kept of it, however much that is."""

from __future__ import annotations

from birdwatcher.birds.removal import remove_birds
from birdwatcher.nodes.models import Node


def clear(node: Node) -> None:
    """Disable `node` and delete its birds a few at a time, so that to delete it is then a matter of
    a moment.

    Interrupted, it leaves a disabled node with fewer birds, and can be called again. To be called
    outside any transaction. Raises django.db.Error.
    """
    Node.objects.filter(pk=node.pk).update(enabled=False)
    remove_birds(node=node.pk)
