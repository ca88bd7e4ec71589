"""Many rows at once, in the cheapest way that each database has to take them.

On Django's connection and within its transaction, and with Django's errors. The statements are made
from the models' fields, but once: to have the ORM compile them anew for each commit takes longer
than the database does.
"""

from __future__ import annotations

import datetime
import functools
from collections.abc import Iterable, Sequence
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connection, connections, models

from birdwatcher.birds.models import Bird

# Timestamp, name, key of the species, of the node, whether the time is doubtful: in the order of
# the model's fields.
BirdRow = tuple[datetime.datetime, str, int, int, bool]


def insert_birds(rows: Iterable[BirdRow]) -> None:
    """Insert `rows`. Raises django.db.Error, and whatever iterating over them raises."""
    if connection.vendor == "postgresql":
        _copy(rows)
    else:
        _insert(rows)


def _copy(rows: Iterable[BirdRow]) -> None:
    """COPY, in its binary form: while the server takes some rows, the next ones are made."""
    types = [str(field.db_type(connection)).partition("(")[0] for field in fields_of(Bird)]
    with (
        connection.wrap_database_errors,
        connection.cursor() as cursor,
        cursor.copy(f"COPY {_table(Bird)} FROM STDIN (FORMAT BINARY)") as copy,
    ):
        copy.set_types(types)
        for row in rows:
            copy.write_row(row)


def _insert(rows: Iterable[BirdRow]) -> None:
    """One statement, prepared once."""
    adapt = connection.ops.adapt_datetimefield_value  # SQLite keeps a time as a text
    with connection.cursor() as cursor:
        cursor.executemany(
            f"INSERT INTO {_table(Bird)} VALUES {_marks(Bird)}",  # noqa: S608 names of our own
            [(adapt(row[0]), *row[1:]) for row in rows],
        )


def upsert(rows: Sequence[models.Model], unique: Sequence[str], update: Sequence[str]) -> None:
    """Insert `rows`, all of one model; of those that are there already by the fields `unique`, set
    the fields `update`. Raises django.db.Error, and what the fields raise for a wrong value.

    What `bulk_create(update_conflicts=True)` does, but that each row needs a value for each field:
    the database's defaults are not asked for.
    """
    if not rows:
        return
    model = type(rows[0])
    fields = fields_of(model)
    conflict = _on_conflict(model, tuple(unique), tuple(update))
    # Not Django's proxy of it, each attribute of which costs as much as a whole field.
    database = connections[DEFAULT_DB_ALIAS]
    at_once = database.ops.bulk_batch_size([field.name for field in fields], rows)
    with database.cursor() as cursor:
        for at in range(0, len(rows), at_once):
            some = rows[at : at + at_once]
            marks = ", ".join([_marks(model)] * len(some))
            cursor.execute(
                f"INSERT INTO {_table(model)} VALUES {marks} {conflict}",  # noqa: S608
                [
                    field.get_db_prep_save(getattr(row, field.attname), database)
                    for row in some
                    for field in fields
                ],
            )


@functools.cache
def fields_of(model: type[models.Model]) -> Sequence[models.Field[Any, Any]]:
    """The fields of `model` that are written, in their order: not the key that is counted up."""
    return [it for it in model._meta.concrete_fields if not it.auto_created]  # noqa: SLF001


@functools.cache
def _table(model: type[models.Model]) -> str:
    """The table and its columns."""
    quote = connection.ops.quote_name
    columns = ", ".join(quote(str(field.column)) for field in fields_of(model))
    return f"{quote(model._meta.db_table)} ({columns})"  # noqa: SLF001


@functools.cache
def _marks(model: type[models.Model]) -> str:
    return f"({', '.join(['%s'] * len(fields_of(model)))})"


@functools.cache
def _on_conflict(
    model: type[models.Model], unique: tuple[str, ...], update: tuple[str, ...]
) -> str:
    quote = connection.ops.quote_name
    columns = {field.name: quote(str(field.column)) for field in fields_of(model)}
    where = ", ".join(columns[name] for name in unique)
    changes = ", ".join(f"{columns[name]} = EXCLUDED.{columns[name]}" for name in update)
    return f"ON CONFLICT ({where}) DO UPDATE SET {changes}"
