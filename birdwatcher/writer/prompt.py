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

from birdwatcher.rollups import counting
from birdwatcher.rollups.counting import Groups
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
from birdwatcher.writer.holding import holding

FEW = 100  # events; with many more, the usual way is quicker

# Where rows go, and the rows, each of which belongs to a node.
Part = tuple[Target, Sequence[Values]]


def commit_at_once(nodes: Collection[int], parts: Sequence[Part], groups: Groups) -> set[int]:
    """Write the rows of those of `nodes` that exist, and count `groups` of birds of them, in a
    transaction of its own; return which nodes those are.

    They are kept from being deleted until it is committed: see `writer.holding`. Not to be called
    within a transaction. Raises django.db.Error.
    """
    connection.ensure_connection()
    with connection.wrap_database_errors:
        if connection.vendor == "postgresql":
            return _in_one_statement(nodes, parts, groups)
        return _without_detours(nodes, parts, groups)


def _in_one_statement(nodes: Collection[int], parts: Sequence[Part], groups: Groups) -> set[int]:
    statement = _one_statement(tuple(target for target, _ in parts))
    rows = [as_json(target.model, values) for target, values in parts]
    parameters = [encode(list(nodes)), *rows, counting.as_json(groups)]
    with psycopg.Cursor(connection.connection) as cursor:
        cursor.execute(statement, parameters, prepare=True)
        return {row[0] for row in cursor.fetchall()}


@functools.cache
def _one_statement(targets: tuple[Target, ...]) -> str:
    of_held = "WHERE node_id IN (SELECT id FROM held)"
    written = ", ".join(
        f"written_{number} AS ({insert_from_json(target, of_held)})"
        for number, target in enumerate(targets)
    )
    counted = f"counted AS MATERIALIZED ({counting.from_json(of_held)})"
    # What is counted is done for its effect, and only if somebody asks.
    done = "SELECT id FROM held, (SELECT count(*) FROM counted) AS done"
    return f"WITH held AS MATERIALIZED ({holding()}), {written}, {counted} {done}"


def _without_detours(nodes: Collection[int], parts: Sequence[Part], groups: Groups) -> set[int]:
    raw = connection.connection
    with _transaction(raw):
        held = {row[0] for row in raw.execute(_marked(holding()), [encode(list(nodes))])}
        for target, rows in parts:
            node = [field.name for field in fields_of(target.model)].index("node")
            kept = [row for row in rows if row[node] in held]
            raw.executemany(_marked(insert_each(target)), as_adapted(target.model, kept))
        counting.add({group: birds for group, birds in groups.items() if group[0] in held})
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
