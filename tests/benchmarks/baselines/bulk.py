"""The database's own bulk load, by one client, with nothing around it."""

import time
from collections.abc import Sequence
from typing import Any, Protocol

from django.db import connection

from birdwatcher.birds.models import Bird, Species
from birdwatcher.nodes.models import Node
from tests.support.databases import SQLITE

TABLE = Bird._meta.db_table
COLUMNS = [field.column for field in Bird._meta.concrete_fields if not field.primary_key]
LIST = ", ".join(f'"{column}"' for column in COLUMNS)
ROWS = 5_000  # given to SQLite at once, and committed


class BulkLoad(Protocol):
    """The birds of one database, ready to be loaded into another."""

    def load(self) -> float:
        """Load them into the database that Django looks into; return how many seconds that took."""


def read_birds(vendor: str) -> BulkLoad:
    """Take the birds, in the order in which they were written, and what they refer to."""
    return _Executemany() if vendor == SQLITE else _Copy()


class _Referred:
    """The rows that birds refer to, which must be there before them, under the same keys."""

    def __init__(self) -> None:
        self._rows: Sequence[Any] = [*Node.objects.all(), *Species.objects.all()]

    def save(self) -> None:
        for row in self._rows:
            row.save(force_insert=True)


class _Copy:
    """PostgreSQL: COPY, in text as the server itself wrote it, in one transaction."""

    def __init__(self) -> None:
        self._referred = _Referred()
        question = f"COPY (SELECT {LIST} FROM {TABLE} ORDER BY id) TO STDOUT"
        with connection.cursor() as cursor, cursor.copy(question) as copy:
            blob = b"".join(map(bytes, copy))
        self._data = memoryview(blob)

    def load(self) -> float:
        self._referred.save()
        block = 1024 * 1024
        began = time.monotonic()
        with (
            connection.cursor() as cursor,
            cursor.copy(f"COPY {TABLE} ({LIST}) FROM STDIN") as copy,
        ):
            for at in range(0, len(self._data), block):
                copy.write(self._data[at : at + block])
        return time.monotonic() - began


class _Executemany:
    """SQLite: one `executemany` and commit per 5,000 rows, on a connection like the daemon's."""

    def __init__(self) -> None:
        self._referred = _Referred()
        # The cast keeps the times as SQLite has them: none is made a datetime and back.
        texts = {"timestamp", "name"}
        chosen = [f'CAST("{it}" AS {"TEXT" if it in texts else "INTEGER"})' for it in COLUMNS]
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {', '.join(chosen)} FROM {TABLE} ORDER BY id")
            self._rows = cursor.fetchall()

    def load(self) -> float:
        self._referred.save()
        marks = ", ".join("?" * len(COLUMNS))
        connection.ensure_connection()
        raw = connection.connection
        began = time.monotonic()
        for at in range(0, len(self._rows), ROWS):
            raw.execute("BEGIN IMMEDIATE")
            raw.executemany(
                f"INSERT INTO {TABLE} ({LIST}) VALUES ({marks})", self._rows[at : at + ROWS]
            )
            raw.execute("COMMIT")
        return time.monotonic() - began
