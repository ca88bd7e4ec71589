"""Counting the birds that are being inserted."""

from __future__ import annotations

import datetime
import json
from collections import Counter
from collections.abc import Iterable, Mapping

from django.db import DEFAULT_DB_ALIAS, connections

from birdwatcher.birds.models import Bird
from birdwatcher.common.units import EPOCH, HOUR
from birdwatcher.rollups.triggers import TABLES

MICROSECONDS = 3_600_000_000  # of an hour

# How many birds of one node, one species, in one hour; that as a number since 1970.
Groups = Mapping[tuple[int, int, int], int]


def count(birds: Iterable[Bird]) -> None:
    """Count birds that are being inserted, in the same transaction.

    To be called by everybody who inserts them, but for the writer, which does it by itself. Raises
    django.db.Error.
    """
    add(Counter((it.node_id, it.species_id, (it.timestamp - EPOCH) // HOUR) for it in birds))


def add(groups: Groups) -> None:
    """Count groups of birds that are being inserted, in the same transaction.

    On PostgreSQL this keeps their nodes and species from being deleted meanwhile, which must come
    before any count is touched (see `rollups.triggers`). Raises django.db.Error, and OverflowError
    if an hour is none that can be kept.
    """
    if not groups:
        return
    if connections[DEFAULT_DB_ALIAS].vendor == "postgresql":
        _call(groups)
    else:
        _upsert(groups)


def _call(groups: Groups) -> None:
    with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        cursor.execute(from_json(), [as_json(groups)])


def from_json(where: str = "") -> str:
    """PostgreSQL: the statement that counts the groups of its parameter: see `as_json`.

    `where` chooses among them, by `node_id` for one.
    """
    columns = ("node_id", "species_id", "hour", "birds")
    types = ", ".join(f"{name} bigint" for name in columns)
    arrays = ", ".join(f"array_agg({name})" for name in columns)
    source = f"json_to_recordset(%s::json) AS new({types}) {where}"
    return f"SELECT birdwatcher_count_birds({arrays}) FROM {source} HAVING count(*) > 0"  # noqa: S608


def as_json(groups: Groups) -> str:
    """Return `groups` as that parameter."""
    rows = [
        {"node_id": node, "species_id": species, "hour": hour, "birds": birds}
        for (node, species, hour), birds in groups.items()
    ]
    return json.dumps(rows)


def _upsert(groups: Groups) -> None:
    """On SQLite without Django's cursors, which take longer than SQLite itself."""
    text = {hour: str(_naive(hour)) for _, _, hour in groups}
    database = connections[DEFAULT_DB_ALIAS]
    database.ensure_connection()
    with database.wrap_database_errors:
        for table, key in TABLES.items():
            sums: Counter[tuple[int | str, ...]] = Counter()
            for (node, species, hour), birds in groups.items():
                of: dict[str, int | str] = {"node_id": node, "species_id": species}
                of["hour"] = text[hour]
                sums[tuple([of[name] for name in key])] += birds
            rows = [(*it, birds) for it, birds in sums.items()]
            database.connection.executemany(_statement(table, key), rows)


def _naive(hour: int) -> datetime.datetime:
    return EPOCH.replace(tzinfo=None) + hour * HOUR


def _statement(table: str, key: tuple[str, ...]) -> str:
    return (
        f"INSERT INTO {table} ({', '.join(key)}, birds) VALUES ({', '.join('?' * len(key))}, ?)"  # noqa: S608
        f" ON CONFLICT ({', '.join(key)}) DO UPDATE SET birds = {table}.birds + EXCLUDED.birds"
    )
