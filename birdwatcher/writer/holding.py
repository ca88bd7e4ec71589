"""Keeping nodes from being deleted while something about them is written.

A delete locks the node first (see birdwatcher.common.locking). Locking it first here too keeps the
two from waiting for each other: the foreign keys, which PostgreSQL checks as late as at COMMIT,
would lock it last. On SQLite a transaction that writes is alone anyway.
"""

from __future__ import annotations

from collections.abc import Collection

from django.db import connection

from birdwatcher.nodes.models import Node
from birdwatcher.writer.bulk import encode


def hold_nodes(nodes: Collection[int]) -> set[int]:
    """Return which of `nodes` exist, and keep them from being deleted until this is committed."""
    with connection.cursor() as cursor:
        cursor.execute(holding(), [encode(list(nodes))])
        return {row[0] for row in cursor.fetchall()}


def holding() -> str:
    """The statement that does so; its parameter is the nodes' keys in JSON."""
    table = connection.ops.quote_name(Node._meta.db_table)  # noqa: SLF001
    if connection.vendor == "postgresql":
        wanted = "SELECT value::bigint FROM json_array_elements_text(%s::json)"
        return f"SELECT id FROM {table} WHERE id IN ({wanted}) ORDER BY id FOR KEY SHARE"  # noqa: S608
    return f"SELECT id FROM {table} WHERE id IN (SELECT value FROM json_each(%s))"  # noqa: S608
