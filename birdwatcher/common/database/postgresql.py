"""PostgreSQL.

Many rows go in by COPY, or as one parameter in JSON: a statement is then the same for any number
of rows, and the server need not parse it anew. With few rows it is not the database that takes the
time, but the way to it: each of BEGIN, four statements and COMMIT is a message, two changes of
processes, and an answer. `commit_few` is one statement, a transaction of its own, which the server
has planned before.
"""

import contextlib
import datetime
import functools
import os
import socket
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from django.db import OperationalError, connection, models, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from birdwatcher.common.database.engine import PATIENCE, Extent, Facts
from birdwatcher.common.database.postgresql_statements import (
    PROVEN,
    adding,
    committing,
    groups_as_json,
    holding,
    holding_named,
    inserting,
    rows_as_json,
)
from birdwatcher.common.database.tables import (
    Groups,
    Model,
    Named,
    Owner,
    Part,
    Sums,
    Target,
    Values,
    columns,
    encode,
    execute,
    fields_of,
    quoted,
    table,
)

CHECKED = 1.0  # seconds after which a server that works looks whether its client is there

# The sequence {0} of the table {1}, if it is behind; it has no last value before it is first used.
RAISING = """
SELECT setval('{0}', highest) FROM (SELECT max(id) AS highest FROM {1}) AS rows
WHERE highest > COALESCE(pg_sequence_last_value('{0}'), 0)
"""


class PostgreSQL:
    """The engine; see `Engine`."""

    name = "postgresql"
    # Django asks for UPPER(name) LIKE UPPER('x%'), which only an index of that operator class
    # serves in every locale. It looks for ASC or DESC in every order, and neither may follow USING.
    prefix_index = "UPPER(%(text)s) text_pattern_ops"
    prefix_order = "UPPER(%(expression)s) USING ~<~ /* ASC */"
    pause = 0.0  # it keeps a queue

    def hour_of(self, column: str) -> str:
        return f"date_trunc('hour', {column}, 'UTC')"

    def statements(self, script: str) -> Iterable[str]:
        return [script]

    @contextmanager
    def briefly(self) -> Iterator[None]:
        with transaction.atomic():
            execute(f"SET LOCAL lock_timeout = {_milliseconds(PATIENCE)}")
            yield

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        # A timeout for locks would hold for each lock anew.
        deadline = time.monotonic() + seconds

        def bounded(
            run: Callable[..., Any], sql: str, params: Any, many: bool, context: Any
        ) -> Any:
            left = _milliseconds(deadline - time.monotonic())
            run(f"SET LOCAL statement_timeout = {left}", None, False, context)
            return run(sql, params, many, context)

        with connection.execute_wrapper(bounded):
            yield

    def lock_tables(self, tables: Iterable[str], seconds: float = 0) -> None:
        if seconds:
            execute(f"SET LOCAL lock_timeout = {_milliseconds(seconds)}")
        execute(f"LOCK TABLE {', '.join(map(quoted, tables))} IN EXCLUSIVE MODE")

    def limit_statements(
        self, seconds: float, connection: BaseDatabaseWrapper = connection
    ) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                f"SET statement_timeout = {_milliseconds(seconds)}; "
                f"SET lock_timeout = {_milliseconds(seconds / 4)}; "
                f"SET client_connection_check_interval = {_milliseconds(CHECKED)}"
            )

    def interrupt(self, connection: BaseDatabaseWrapper) -> None:
        """Cut the line: the thread gets an error even if the server hangs, and the server ends the
        statement when it next looks for its client."""
        raw = connection.connection
        with contextlib.suppress(OSError, psycopg.Error):
            line = socket.socket(fileno=os.dup(raw.pgconn.socket)) if raw else None
            if line:
                with line:
                    line.shutdown(socket.SHUT_RDWR)

    def now(self) -> datetime.datetime:
        ((now,),) = execute("SELECT extract(epoch FROM clock_timestamp())::float8")
        return datetime.datetime.fromtimestamp(now, datetime.UTC)

    def prove_lock(self) -> None:
        ((proven,),) = execute(f"SELECT {PROVEN}")
        if not proven:
            raise OperationalError("another session has the lock of this database")

    def prove_kept(self) -> None:
        pass

    def commits_of_others(self) -> None:
        return None

    def facts(self) -> Facts:
        ((version, size),) = execute(
            "SELECT current_setting('server_version'), pg_database_size(current_database())"
        )
        return Facts("PostgreSQL", version, size)

    def extents(self, models: Sequence[Model]) -> list[Extent]:
        names = [model._meta.db_table for model in models]  # noqa: SLF001 public
        found = execute(
            "SELECT relname, reltuples, pg_total_relation_size(oid) FROM pg_class "
            "WHERE oid = ANY(%s::regclass[])",
            names,
        )
        # The server counts when it vacuums or analyzes, and says -1 until then.
        by_name = {
            name: Extent(int(rows) if rows >= 0 else None, size) for name, rows, size in found
        }
        return [by_name[name] for name in names]

    def hold(self, model: Model, keys: Collection[int]) -> set[int]:
        return {row[0] for row in execute(holding(model), encode(list(keys)))}

    def hold_named(self, model: Model, field: str, texts: Collection[str]) -> dict[str, int]:
        return dict(execute(holding_named(model, field), encode(list(texts))))

    def insert(self, target: Target, rows: Iterable[Values]) -> None:
        """Send the rows by COPY, in binary form: the server takes some while others are made."""
        model = target.model
        statement = f"COPY {table(model)} ({columns(model)}) FROM STDIN (FORMAT BINARY)"
        with (
            connection.wrap_database_errors,
            connection.cursor() as cursor,
            cursor.copy(statement) as copy,
        ):
            copy.set_types(_types(model))
            for row in rows:
                copy.write_row(row)

    def upsert(self, target: Target, rows: Sequence[Values]) -> None:
        if rows:
            execute(inserting(target), rows_as_json(target.model, rows))

    def add(self, sums: Sums, groups: Groups) -> None:
        if groups:
            execute(adding(sums), groups_as_json(sums, groups))

    def raise_sequences(self, models: Iterable[Model]) -> dict[str, int]:
        raised = {}
        for name in sorted({it._meta.db_table for it in models if _has_sequence(it)}):  # noqa: SLF001
            ((sequence,),) = execute("SELECT pg_get_serial_sequence(%s, 'id')", quoted(name))
            if sequence and (rows := execute(RAISING.format(sequence, quoted(name)))):
                raised[name] = rows[0][0]
        return raised

    def commit_few(
        self,
        owner: Owner,
        keys: Collection[int],
        named: Named,
        parts: Sequence[Part],
        sums: Sums,
        groups: Groups,
    ) -> set[int] | None:
        targets = tuple(target for target, _ in parts)
        statement = committing(owner, named.model, named.field, targets, sums)
        remembered = [{"key": key, "text": text} for text, key in named.keys.items()]
        rows = [rows_as_json(target.model, values) for target, values in parts]
        groups_of = groups_as_json(sums, groups)
        count = str(len(named.keys))
        parameters = [encode(list(keys)), encode(remembered), count, *rows, groups_of]
        connection.ensure_connection()
        with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
            cursor.execute(statement, parameters, prepare=True)
            found = cursor.fetchall()
        if not found:  # no owner is left, or another session has the lock
            self.prove_lock()
        if any(unchanged != len(named.keys) for _, unchanged in found):
            return None
        return {key for key, _ in found}


def _has_sequence(model: Model) -> bool:
    return isinstance(model._meta.pk, models.AutoField)  # noqa: SLF001 public


def _milliseconds(seconds: float) -> int:
    return max(1, round(seconds * 1000))  # 0 would be for ever


@functools.cache
def _types(model: Model) -> Sequence[str]:
    return [str(field.db_type(connection)).partition("(")[0] for field in fields_of(model)]
