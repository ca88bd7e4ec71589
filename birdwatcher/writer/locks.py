"""Keeping nodes from being deleted while something about them is written.

A delete locks the node first (see birdwatcher.common.locking). The writer locks it first too, so
that the two never wait for each other: the foreign keys, which PostgreSQL checks as late as at
COMMIT, would lock it last. On SQLite a transaction that writes is alone anyway.
"""

from collections.abc import Collection

from birdwatcher.common.database import engine
from birdwatcher.nodes.models import Node


def hold_nodes(nodes: Collection[int]) -> set[int]:
    """Return which of `nodes` exist, and keep them from being deleted until this is committed.

    Raises django.db.Error.
    """
    return engine().hold(Node, nodes)
