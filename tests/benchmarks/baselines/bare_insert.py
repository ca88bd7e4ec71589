"""One row inserted and committed, with nothing around it; and a look whether a row has appeared."""

import sqlite3
from collections.abc import Callable
from typing import Any

from django.db import connection

from birdwatcher.birds.models import Bird
from tests.benchmarks.baselines.bulk import COLUMNS, LIST, TABLE


def inserter() -> Callable[[], None]:
    """Return a function that inserts one bird on Django's own connection, each a transaction.

    The bird is a copy of the newest one, as the database itself keeps it.
    """
    bird = Bird.objects.latest("pk")
    values = [getattr(bird, field) for field in _fields()]
    connection.ensure_connection()
    raw = connection.connection
    if connection.vendor == "sqlite":
        values[COLUMNS.index("timestamp")] = bird.timestamp.replace(tzinfo=None).isoformat(" ")
        marks = ", ".join("?" * len(COLUMNS))
    else:
        marks = ", ".join(["%s"] * len(COLUMNS))
    statement = f"INSERT INTO {TABLE} ({LIST}) VALUES ({marks})"

    def insert() -> None:
        raw.execute(statement, values)  # in autocommit, as Django leaves its connections

    return insert


def _fields() -> list[str]:
    return [field.attname for field in Bird._meta.concrete_fields if not field.primary_key]


class Onlooker:
    """Another connection, which sees what is committed."""

    def __init__(self, url: str) -> None:
        """Connect to the database of this DATABASE_URL."""
        self._connection: Any
        if url.startswith("sqlite:///"):
            path = url.removeprefix("sqlite:///")
            self._connection = sqlite3.connect(path, isolation_level=None)
            self._question = f"SELECT id FROM {TABLE} WHERE id > ? LIMIT 1"
        else:
            import psycopg

            self._connection = psycopg.connect(url, autocommit=True, prepare_threshold=0)
            self._question = f"SELECT id FROM {TABLE} WHERE id > %s LIMIT 1"
        self._last = 0
        self.catch_up()

    def catch_up(self) -> None:
        """Look past everything that is there now."""
        (last,) = self._connection.execute(f"SELECT max(id) FROM {TABLE}").fetchone()
        self._last = last or 0

    def sees_news(self) -> bool:
        """Whether a row has appeared since the last one that was seen."""
        row = self._connection.execute(self._question, (self._last,)).fetchone()
        if row is None:
            return False
        (self._last,) = row
        return True

    def close(self) -> None:
        """Disconnect."""
        self._connection.close()
