"""SQLite, in the process itself: a transaction that writes is alone from its start.

Its statements are quick. What is run for each commit therefore goes without Django's cursors and
transactions, which take longer than SQLite does.
"""

import contextlib
import datetime
import functools
import operator
import sqlite3
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from django.db import connection, models, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Max, Min

from birdwatcher.common.database.engine import PATIENCE, Extent, Facts
from birdwatcher.common.database.opened import check_opened
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
    on_conflict,
    place_of,
    table,
)
from birdwatcher.common.units import EPOCH, HOUR

AsText = Callable[[Any], str]


class SQLite:
    """The engine; see `Engine`."""

    name = "sqlite"
    # Django asks for name LIKE 'x%', which ignores case and therefore wants an index that does.
    prefix_index = "%(text)s COLLATE NOCASE"
    prefix_order = "%(expression)s COLLATE NOCASE ASC"
    pause = 0.15  # those who wait look for the lock every tenth of a second

    def hour_of(self, column: str) -> str:
        # It keeps a time as a text: 2026-05-01 08:46:00.250000
        return f"substr({column}, 1, 13) || ':00:00'"

    def statements(self, script: str) -> Iterable[str]:
        statement = ""
        for line in script.splitlines(keepends=True):
            statement += line
            if sqlite3.complete_statement(statement):
                yield statement
                statement = ""

    @contextmanager
    def briefly(self) -> Iterator[None]:
        ((usual,),) = execute("PRAGMA busy_timeout")
        execute(f"PRAGMA busy_timeout = {round(PATIENCE * 1000)}")
        try:
            with transaction.atomic():
                yield
        finally:
            execute(f"PRAGMA busy_timeout = {usual}")

    def within(self, seconds: float) -> AbstractContextManager[None]:
        return contextlib.nullcontext()

    def lock_tables(self, tables: Iterable[str], seconds: float = 0) -> None:
        pass  # the transaction is alone already

    def limit_statements(
        self, seconds: float, connection: BaseDatabaseWrapper = connection
    ) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"PRAGMA busy_timeout = {round(seconds / 4 * 1000)}")

    def interrupt(self, connection: BaseDatabaseWrapper) -> None:
        raw = connection.connection
        with contextlib.suppress(sqlite3.Error):  # it was just closed
            if raw is not None:
                raw.interrupt()

    def now(self) -> datetime.datetime:
        return datetime.datetime.now(datetime.UTC)

    def prove_lock(self) -> None:
        pass

    def prove_kept(self) -> None:
        check_opened(connection)

    def commits_of_others(self) -> int:
        self.prove_kept()
        connection.ensure_connection()
        with connection.wrap_database_errors:
            (count,) = connection.connection.execute("PRAGMA data_version").fetchone()
        return int(count)

    def facts(self) -> Facts:
        ((version, size),) = execute(
            "SELECT sqlite_version(), page_count * page_size FROM pragma_page_count, "
            "pragma_page_size"
        )
        for companion in ("-wal", "-shm"):
            with contextlib.suppress(OSError):  # not there while nobody writes
                size += Path(f"{connection.settings_dict['NAME']}{companion}").stat().st_size
        return Facts("SQLite", version, size)

    def extents(self, models: Sequence[Model]) -> list[Extent]:
        return [_spanned(model) for model in models]

    def hold(self, model: Model, keys: Collection[int]) -> set[int]:
        return {row[0] for row in execute(_holding(model), encode(list(keys)))}

    def hold_named(self, model: Model, field: str, texts: Collection[str]) -> dict[str, int]:
        connection.ensure_connection()
        with connection.wrap_database_errors:
            return _keys_of(connection.connection, model, field, texts)

    def insert(self, target: Target, rows: Iterable[Values]) -> None:
        self.upsert(target, list(rows))

    def upsert(self, target: Target, rows: Sequence[Values]) -> None:
        if rows:
            with connection.cursor() as cursor:
                cursor.executemany(_inserting(target), _adapted(target.model, rows))

    def add(self, sums: Sums, groups: Groups) -> None:
        if groups:
            connection.ensure_connection()
            with connection.wrap_database_errors:
                _add(connection.connection, sums, groups)

    def raise_sequences(self, models: Iterable[Model]) -> dict[str, int]:
        return {}

    def commit_few(
        self,
        owner: Owner,
        keys: Collection[int],
        named: Named,
        parts: Sequence[Part],
        sums: Sums,
        groups: Groups,
    ) -> set[int] | None:
        connection.ensure_connection()
        raw = connection.connection
        with connection.wrap_database_errors, _transaction(raw):
            if _keys_of(raw, named.model, named.field, named.keys) != named.keys:
                return None
            statement = _marked(_holding(owner.model))
            held = {row[0] for row in raw.execute(statement, [encode(list(keys))])}
            for target, rows in parts:
                place = place_of(target.model, owner.field)
                kept = [row for row in rows if row[place] in held]
                raw.executemany(_marked(_inserting(target)), _adapted(target.model, kept))
            _add(raw, sums, {key: n for key, n in groups.items() if key[0] in held})
        return held


def _spanned(model: Model) -> Extent:
    """Estimate the rows by the first and the last key: SQLite itself keeps no count.

    Deleted rows between the two are counted, too.
    """
    rows = model._default_manager  # noqa: SLF001 public
    first, last = rows.aggregate(it=Min("pk"))["it"], rows.aggregate(it=Max("pk"))["it"]
    return Extent(0 if first is None else last - first + 1)


@contextmanager
def _transaction(raw: sqlite3.Connection) -> Iterator[None]:
    raw.execute("BEGIN IMMEDIATE")
    try:
        yield
        raw.execute("COMMIT")
    except BaseException:
        if raw.in_transaction:  # else SQLite has rolled it back by itself
            raw.execute("ROLLBACK")
        raise


# Statements, with the marks that Django has for parameters, and these parameters.


@functools.cache
def _holding(model: Model) -> str:
    return f"SELECT id FROM {table(model)} WHERE id IN (SELECT value FROM json_each(%s))"  # noqa: S608


def _keys_of(
    raw: sqlite3.Connection, model: Model, field: str, texts: Iterable[str]
) -> dict[str, int]:
    # One by one: a search in the index takes two microseconds, and any text can be a parameter.
    statement = f"SELECT id FROM {table(model)} WHERE {field} = ?"  # noqa: S608
    found = ((text, raw.execute(statement, [text]).fetchone()) for text in texts)
    return {text: row[0] for text, row in found if row}


@functools.cache
def _inserting(target: Target) -> str:
    """Return the statement that inserts one row; `_adapted` makes its parameters."""
    marks = ", ".join(["%s"] * len(fields_of(target.model)))
    model = target.model
    return f"INSERT INTO {table(model)} ({columns(model)}) VALUES ({marks}) {on_conflict(target)}"  # noqa: S608


@functools.cache
def _marked(statement: str) -> str:
    """Return a statement with SQLite's own marks."""
    return statement.replace("%s", "?")


def _adapted(model: Model, rows: Iterable[Values]) -> list[list[Any]]:
    """Return the parameters for each of `rows`: texts for what Django keeps as texts."""
    texts = _texts(model)
    return [_row_adapted(row, texts) for row in rows]


def _row_adapted(row: Values, texts: Sequence[tuple[int, AsText]]) -> list[Any]:
    values = list(row)
    for place, as_text in texts:
        if values[place] is not None:
            values[place] = as_text(values[place])
    return values


@functools.cache
def _texts(model: Model) -> Sequence[tuple[int, AsText]]:
    """Return the places of `fields_of` with times or lists, and what makes a text of each."""
    found: list[tuple[int, AsText]] = []
    for place, field in enumerate(fields_of(model)):
        if isinstance(field, models.DateTimeField):
            found.append((place, _time_as_text))
        elif isinstance(field, models.JSONField):
            found.append((place, encode))
    return found


def _time_as_text(moment: datetime.datetime) -> str:
    return str(moment)[: -len("+00:00")]  # it is in UTC


# Sums


def _add(raw: sqlite3.Connection, sums: Sums, groups: Groups) -> None:
    place = sums.columns.index("hour")
    text = {hour: _time_as_text(EPOCH + hour * HOUR) for hour in {key[place] for key in groups}}
    kept = [
        ((*key[:place], text[key[place]], *key[place + 1 :]), number)
        for key, number in groups.items()
    ]
    for name, of in sums.tables.items():
        key_of = operator.itemgetter(*map(sums.columns.index, of))
        totals: Counter[tuple[int | str, ...]] = Counter()
        for values, number in kept:
            totals[key_of(values)] += number
        rows = [(*key, number) for key, number in totals.items()]
        raw.executemany(_raising(name, of, sums.total), rows)


@functools.cache
def _raising(name: str, key: tuple[str, ...], total: str) -> str:
    places = ", ".join(key)
    return (
        f"INSERT INTO {name} ({places}, {total}) VALUES ({'?, ' * len(key)}?)"  # noqa: S608
        f" ON CONFLICT ({places}) DO UPDATE SET {total} = {name}.{total} + EXCLUDED.{total}"
    )
