"""What is written, without regard to the database: rows, and the tables where they go.

The statements are made from the models' fields, but once, and are the same for any number of rows:
to have the ORM compile them anew for each commit takes longer than the database does.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec
from django.db import connection, models

Model = type[models.Model]
# A value for each of `fields_of` a model, in their order; all times are in UTC.
Values = tuple[Any, ...]


class Target(NamedTuple):
    """Where rows go: the model, the fields in which they may conflict with rows that are there
    already, and those that are updated then; without any, such a row is left as it is."""

    model: Model
    unique: tuple[str, ...] = ()
    update: tuple[str, ...] = ()


Part = tuple[Target, Sequence[Values]]  # rows, each of which belongs to an owner, and their target


class Owner(NamedTuple):
    """To what rows belong: the model, and the field of theirs with its key."""

    model: Model
    field: str


class Named(NamedTuple):
    """Rows as somebody remembers them: the model, its unique field of text, and keys by text."""

    model: Model
    field: str
    keys: Mapping[str, int]


# How many things there are of each key of several columns, all of them numbers.
Groups = Mapping[tuple[int, ...], int]


@dataclass(frozen=True, eq=False)
class Sums:
    """Tables that say how many things there are of each key, and have no rows for none.

    `columns` are those of the keys in `Groups`, of which the first is the owner. One called `hour`
    is the number of an hour since 1970 in `Groups`, and its start in the tables.
    `tables` has the columns of each table's key, in the order of its index; the sum is in `total`.
    On PostgreSQL `function`, which takes an array for each of `columns` and one for the numbers,
    adds to all of the tables.
    """

    columns: tuple[str, ...]
    total: str
    tables: Mapping[str, tuple[str, ...]]
    function: str


def values_of(row: models.Model) -> Values:
    """Return what a row's fields hold."""
    values: Values = _getter(type(row))(row)
    return values


@functools.cache
def _getter(model: Model) -> operator.attrgetter[Any]:
    return operator.attrgetter(*(field.attname for field in fields_of(model)))


@functools.cache
def fields_of(model: Model) -> Sequence[models.Field[Any, Any]]:
    """Return the fields of `model` that are written, in their order: all but an automatic key."""
    return [it for it in model._meta.concrete_fields if not it.auto_created]  # noqa: SLF001


@functools.cache
def place_of(model: Model, name: str) -> int:
    """Return at which place of `fields_of` the field of that name is."""
    return [field.name for field in fields_of(model)].index(name)


def encode(value: Any) -> str:
    """Return lists, dictionaries, numbers, texts and times as JSON."""
    return _ENCODER.encode(value).decode()


_ENCODER = msgspec.json.Encoder()


def execute(statement: str, *parameters: Any) -> Sequence[Any]:
    """Run one statement by way of Django; return its rows, if it has any."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters or None)
        return cursor.fetchall() if cursor.description else ()


def table(model: Model) -> str:
    """Return the quoted name of a model's table."""
    return quoted(model._meta.db_table)  # noqa: SLF001


@functools.cache
def columns(model: Model) -> str:
    """Return the quoted names of the columns that are written."""
    return ", ".join(quoted(field.column) for field in fields_of(model))


def on_conflict(target: Target) -> str:
    """Return what an INSERT does with rows that are there already."""
    if not target.unique:
        return ""
    columns = {field.name: quoted(field.column) for field in fields_of(target.model)}
    where = ", ".join(columns[name] for name in target.unique)
    changes = ", ".join(f"{columns[name]} = EXCLUDED.{columns[name]}" for name in target.update)
    if not changes:
        return f"ON CONFLICT ({where}) DO NOTHING"
    return f"ON CONFLICT ({where}) DO UPDATE SET {changes}"


def quoted(name: str | None) -> str:
    """Return a name as SQL has it."""
    return connection.ops.quote_name(str(name))
