"""Keeping nodes from being deleted while something about them is written."""

from __future__ import annotations

import json
from collections.abc import Collection

from django.db import connection


def hold_nodes(nodes: Collection[int]) -> set[int]:
    """Return which of `nodes` exist, and keep them from being deleted until this is committed.

    Whoever deletes a node locks it first (see birdwatcher.locking). To lock it first here too is
    what keeps the two from waiting for each other: the foreign keys, which PostgreSQL checks as
    late as at COMMIT, would lock it last. On SQLite a transaction that writes is alone anyway.
    """
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            question = "SELECT id FROM nodes_node WHERE id = ANY(%s) ORDER BY id FOR KEY SHARE"
            cursor.execute(question, [list(nodes)])
        else:
            question = "SELECT id FROM nodes_node WHERE id IN (SELECT value FROM json_each(%s))"
            cursor.execute(question, [json.dumps(list(nodes))])
        return {row[0] for row in cursor.fetchall()}
