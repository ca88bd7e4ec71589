"""What the database is and how large: questions that cost the same however large it is."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from django.db import connection
from django.db.models import Max, Min, Model

from birdwatcher.birds.models import Bird, Species
from birdwatcher.nodes.models import Node, RejectedPacket, StatusChange
from birdwatcher.rollups.models import HourlyCount

TABLES: dict[str, type[Model]] = {
    "Birds": Bird,
    "Species": Species,
    "Nodes": Node,
    "Birds by the hour, node and species": HourlyCount,
    "Changes of state": StatusChange,
    "Rejected packets": RejectedPacket,
}


@dataclass(frozen=True)
class Table:
    """A table: about how many rows it has, and its size with its indexes; None if not known."""

    title: str
    rows: int | None
    size: int | None = None


@dataclass(frozen=True)
class Storage:
    """A database; sizes in bytes."""

    kind: str
    version: str
    size: int
    tables: Sequence[Table]


def examine() -> Storage:
    """Return what is to be told of the database. Raises django.db.Error."""
    return _postgresql() if connection.vendor == "postgresql" else _sqlite()


def _postgresql() -> Storage:
    names = [model._meta.db_table for model in TABLES.values()]  # noqa: SLF001 public
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_setting('server_version'), pg_database_size(current_database())"
        )
        version, size = cursor.fetchone()
        cursor.execute(
            "SELECT relname, reltuples, pg_total_relation_size(oid) FROM pg_class "
            "WHERE oid = ANY(%s::regclass[])",
            [names],
        )
        found = {name: (rows, taken) for name, rows, taken in cursor.fetchall()}
    tables = []
    for title, name in zip(TABLES, names, strict=True):
        rows, taken = found[name]
        # The server counts when it vacuums or analyzes, and says -1 until then.
        tables.append(Table(title, int(rows) if rows >= 0 else None, taken))
    return Storage("PostgreSQL", version, size, tables)


def _sqlite() -> Storage:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT sqlite_version(), page_count * page_size FROM pragma_page_count, "
            "pragma_page_size"
        )
        version, size = cursor.fetchone()
    for companion in ("-wal", "-shm"):
        with contextlib.suppress(OSError):  # not there while nobody writes
            size += Path(f"{connection.settings_dict['NAME']}{companion}").stat().st_size
    return Storage("SQLite", version, size, [_spanned(*table) for table in TABLES.items()])


def _spanned(title: str, model: type[Model]) -> Table:
    """Estimate by the keys, which SQLite finds at the ends of the table: it counts nothing itself.

    A key for each row that was ever there between the oldest and the newest of today.
    """
    first = model._default_manager.aggregate(it=Min("pk"))["it"]  # noqa: SLF001 public
    last = model._default_manager.aggregate(it=Max("pk"))["it"]  # noqa: SLF001 public
    return Table(title, 0 if first is None else last - first + 1)
