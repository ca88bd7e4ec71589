"""A small commit, in as few steps as the database allows.

With few events it is not the database that takes the time, but the way to it. On PostgreSQL each of
BEGIN, four statements and COMMIT would be a message, two changes of processes, and an answer: here
all of it is one statement, a transaction of its own, which the server has planned before. SQLite is
asked without Django's cursors and transactions, which take longer than SQLite itself.
"""

from __future__ import annotations

import contextlib
import functools
import sqlite3
from collections.abc import Collection, Iterator, Sequence

import psycopg
from django.db import connection

from birdwatcher.nodes.models import Node
from birdwatcher.writer.bulk import (
    Target,
    Values,
    as_adapted,
    as_json,
    encode,
    fields_of,
    insert_each,
    insert_from_json,
)

FEW = 100  # events; with many more, the usual way is quicker

# Where rows go, and the rows, each of which belongs to a node.
Part = tuple[Target, Sequence[Values]]


def commit_at_once(nodes: Collection[int], parts: Sequence[Part]) -> set[int]:
    """Write the rows of those of `nodes` that exist, in a transaction of its own; return which.

    They are kept from being deleted until it is committed: see `holding`. Not to be called within
    a transaction. Raises django.db.Error.
    """
    connection.ensure_connection()
    with connection.wrap_database_errors:
        if connection.vendor == "postgresql":
            return _in_one_statement(nodes, parts)
        return _without_detours(nodes, parts)


def holding() -> str:
    """The statement that returns which of some nodes, a parameter in JSON, exist, and keeps them
    from being deleted until the transaction is over.

    Whoever deletes a node locks it first (see birdwatcher.locking). To lock it first here too is
    what keeps the two from waiting for each other: the foreign keys, which PostgreSQL checks as
    late as at COMMIT, would lock it last. On SQLite a transaction that writes is alone anyway.
    """
    table = connection.ops.quote_name(Node._meta.db_table)  # noqa: SLF001
    if connection.vendor == "postgresql":
        wanted = "SELECT value::bigint FROM json_array_elements_text(%s::json)"
        return f"SELECT id FROM {table} WHERE id IN ({wanted}) ORDER BY id FOR KEY SHARE"  # noqa: S608
    return f"SELECT id FROM {table} WHERE id IN (SELECT value FROM json_each(%s))"  # noqa: S608


def _in_one_statement(nodes: Collection[int], parts: Sequence[Part]) -> set[int]:
    statement = _one_statement(tuple(target for target, _ in parts))
    rows = [as_json(target.model, values) for target, values in parts]
    with psycopg.Cursor(connection.connection) as cursor:
        cursor.execute(statement, [encode(list(nodes)), *rows], prepare=True)
        return {row[0] for row in cursor.fetchall()}


@functools.cache
def _one_statement(targets: tuple[Target, ...]) -> str:
    of_held = "WHERE node_id IN (SELECT id FROM held)"
    written = ", ".join(
        f"written_{number} AS ({insert_from_json(target, of_held)})"
        for number, target in enumerate(targets)
    )
    return f"WITH held AS MATERIALIZED ({holding()}), {written} SELECT id FROM held"  # noqa: S608


def _without_detours(nodes: Collection[int], parts: Sequence[Part]) -> set[int]:
    raw = connection.connection
    with _transaction(raw):
        held = {row[0] for row in raw.execute(_marked(holding()), [encode(list(nodes))])}
        for target, rows in parts:
            node = [field.name for field in fields_of(target.model)].index("node")
            kept = [row for row in rows if row[node] in held]
            raw.executemany(_marked(insert_each(target)), as_adapted(target.model, kept))
    return held


@contextlib.contextmanager
def _transaction(raw: sqlite3.Connection) -> Iterator[None]:
    raw.execute("BEGIN IMMEDIATE")
    try:
        yield
        raw.execute("COMMIT")
    except BaseException:
        if raw.in_transaction:  # else SQLite has rolled it back by itself
            raw.execute("ROLLBACK")
        raise


@functools.cache
def _marked(statement: str) -> str:
    return statement.replace("%s", "?")
