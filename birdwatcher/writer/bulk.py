"""Many rows at once, in the cheapest way that each database has to take them.

On Django's connection and within its transaction, and with Django's errors. The statements are made
from the models' fields, but once, and are the same for any number of rows: to have the ORM compile
them anew for each commit takes longer than the database does.
"""

from __future__ import annotations

import datetime
import functools
import operator
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import msgspec
from django.db import connection, models

from birdwatcher.birds.models import Bird

Model = type[models.Model]
# A value for each of `fields_of` a model, in their order; all times are in UTC.
Values = tuple[Any, ...]
AsText = Callable[[Any], str]
# Timestamp, name, key of the species, of the node, whether the time is doubtful: so for birds.
BirdRow = tuple[datetime.datetime, str, int, int, bool]


class Target(NamedTuple):
    """Where rows go: the model, the fields in which they may conflict with rows that are there
    already, and those that are updated then."""

    model: Model
    unique: tuple[str, ...] = ()
    update: tuple[str, ...] = ()


BIRDS = Target(Bird)


def insert_birds(rows: Iterable[BirdRow]) -> None:
    """Insert `rows`. Raises django.db.Error, and whatever iterating over them raises."""
    if connection.vendor == "postgresql":
        _copy(rows)
    else:
        upsert(BIRDS, list(rows))


def _copy(rows: Iterable[BirdRow]) -> None:
    """COPY, in its binary form: while the server takes some rows, the next ones are made."""
    with (
        connection.wrap_database_errors,
        connection.cursor() as cursor,
        cursor.copy(f"COPY {_table(Bird)} FROM STDIN (FORMAT BINARY)") as copy,
    ):
        copy.set_types(_types(Bird))
        for row in rows:
            copy.write_row(row)


def upsert(target: Target, rows: Sequence[Values]) -> None:
    """Insert or update `rows`. Raises django.db.Error.

    What `bulk_create(update_conflicts=True)` does, but that each row needs a value for each field:
    the database's defaults are not asked for.
    """
    if not rows:
        return
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(insert_from_json(target), [as_json(target.model, rows)])
        else:
            cursor.executemany(insert_each(target), as_adapted(target.model, rows))


def values_of(row: models.Model) -> Values:
    """Return what a row's fields hold."""
    values: Values = _getter(type(row))(row)
    return values


@functools.cache
def _getter(model: Model) -> operator.attrgetter[Any]:
    return operator.attrgetter(*(field.attname for field in fields_of(model)))


@functools.cache
def fields_of(model: Model) -> Sequence[models.Field[Any, Any]]:
    """The fields of `model` that are written, in their order: not the key that is counted up."""
    return [it for it in model._meta.concrete_fields if not it.auto_created]  # noqa: SLF001


# The statements, in which %s stands for a parameter, and the parameters.


@functools.cache
def insert_from_json(target: Target, where: str = "") -> str:
    """PostgreSQL: the statement that inserts the rows of its one parameter: see `as_json`.

    The table itself tells of which types they are. `where` chooses among them.
    """
    source = f"json_populate_recordset(NULL::{_table_name(target.model)}, %s::json)"
    chosen = f"SELECT {_columns(target.model)} FROM {source} {where}"  # noqa: S608 our own names
    return f"INSERT INTO {_table(target.model)} {chosen} {_on_conflict(target)}"


def as_json(model: Model, rows: Iterable[Values]) -> str:
    """Return `rows` as one parameter."""
    names = [field.column for field in fields_of(model)]
    return encode([dict(zip(names, row, strict=True)) for row in rows])


def encode(value: Any) -> str:
    """Return lists, dictionaries, numbers, texts and times as JSON."""
    return _ENCODER.encode(value).decode()


_ENCODER = msgspec.json.Encoder()


@functools.cache
def insert_each(target: Target) -> str:
    """SQLite: the statement that inserts one row: see `as_adapted`."""
    marks = ", ".join(["%s"] * len(fields_of(target.model)))
    return f"INSERT INTO {_table(target.model)} VALUES ({marks}) {_on_conflict(target)}"  # noqa: S608


def as_adapted(model: Model, rows: Iterable[Values]) -> list[list[Any]]:
    """Return the parameters for each of `rows`: texts for what Django keeps as texts in SQLite."""
    texts = _texts(model)
    return [_adapted(row, texts) for row in rows]


def _adapted(row: Values, texts: Sequence[tuple[int, AsText]]) -> list[Any]:
    values = list(row)
    for place, as_text in texts:
        if values[place] is not None:
            values[place] = as_text(values[place])
    return values


@functools.cache
def _texts(model: Model) -> Sequence[tuple[int, AsText]]:
    """At which places of `fields_of` there are times, and lists, and how they become texts."""
    found: list[tuple[int, AsText]] = []
    for place, field in enumerate(fields_of(model)):
        if isinstance(field, models.DateTimeField):
            found.append((place, _time_as_text))
        elif isinstance(field, models.JSONField):
            found.append((place, encode))
    return found


def _time_as_text(moment: datetime.datetime) -> str:
    return str(moment)[: -len("+00:00")]  # it is in UTC


@functools.cache
def _types(model: Model) -> Sequence[str]:
    return [str(field.db_type(connection)).partition("(")[0] for field in fields_of(model)]


def _on_conflict(target: Target) -> str:
    if not target.unique:
        return ""
    columns = {field.name: _quoted(field.column) for field in fields_of(target.model)}
    where = ", ".join(columns[name] for name in target.unique)
    changes = ", ".join(f"{columns[name]} = EXCLUDED.{columns[name]}" for name in target.update)
    return f"ON CONFLICT ({where}) DO UPDATE SET {changes}"


@functools.cache
def _table(model: Model) -> str:
    """The table and its columns."""
    return f"{_table_name(model)} ({_columns(model)})"


def _table_name(model: Model) -> str:
    return _quoted(model._meta.db_table)  # noqa: SLF001


@functools.cache
def _columns(model: Model) -> str:
    return ", ".join(_quoted(field.column) for field in fields_of(model))


def _quoted(name: str | None) -> str:
    return connection.ops.quote_name(str(name))
