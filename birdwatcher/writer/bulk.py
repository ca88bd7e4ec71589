"""Birds by the thousand, in the cheapest way that each database has to take them.

No instances of the model are made: what is inserted are tuples, in the order of the model's fields.
It happens on Django's connection and within its transaction, and raises Django's errors.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable

from django.db import connection

from birdwatcher.birds.models import Bird

_FIELDS = [field for field in Bird._meta.concrete_fields if not field.primary_key]  # noqa: SLF001
COLUMNS = [field.attname for field in _FIELDS]

# Timestamp, name, key of the species, of the node, whether the time is doubtful: as in `COLUMNS`.
BirdRow = tuple[datetime.datetime, str, int, int, bool]


def insert_birds(rows: Iterable[BirdRow]) -> None:
    """Insert `rows`. Raises django.db.Error, and whatever iterating over them raises."""
    if connection.vendor == "postgresql":
        _copy(rows)
    else:
        _insert(rows)


def _copy(rows: Iterable[BirdRow]) -> None:
    """COPY, in its binary form: while the server takes some rows, the next ones are made."""
    types = [str(field.db_type(connection)).partition("(")[0] for field in _FIELDS]
    statement = f"COPY {_table()} FROM STDIN (FORMAT BINARY)"
    with (
        connection.wrap_database_errors,
        connection.cursor() as cursor,
        cursor.copy(statement) as copy,
    ):
        copy.set_types(types)
        for row in rows:
            copy.write_row(row)


def _insert(rows: Iterable[BirdRow]) -> None:
    """One statement, prepared once."""
    adapt = connection.ops.adapt_datetimefield_value  # SQLite keeps a time as a text
    marks = ", ".join(["%s"] * len(COLUMNS))
    with connection.cursor() as cursor:
        cursor.executemany(
            f"INSERT INTO {_table()} VALUES ({marks})",
            [(adapt(timestamp), *rest) for timestamp, *rest in rows],
        )


def _table() -> str:
    """The table and its columns, as both statements name them."""
    quote = connection.ops.quote_name
    columns = ", ".join(quote(field.column) for field in _FIELDS)
    return f"{quote(Bird._meta.db_table)} ({columns})"  # noqa: SLF001
