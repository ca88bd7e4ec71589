"""Counting the birds that are being inserted."""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Iterable, Mapping

from django.db import DEFAULT_DB_ALIAS, connections

from birdwatcher.birds.models import Bird
from birdwatcher.rollups.triggers import TABLES

EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
HOUR = datetime.timedelta(hours=1)
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
    nodes, species, hours = zip(*groups, strict=True)
    with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        cursor.execute(
            "SELECT birdwatcher_count_birds"
            "(%s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[])",
            [list(nodes), list(species), list(hours), list(groups.values())],
        )


def _upsert(groups: Groups) -> None:
    text = {hour: str(_naive(hour)) for _, _, hour in groups}
    with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        for table, key in TABLES.items():
            sums: Counter[tuple[int | str, ...]] = Counter()
            for (node, species, hour), birds in groups.items():
                of: dict[str, int | str] = {"node_id": node, "species_id": species}
                of["hour"] = text[hour]
                sums[tuple([of[name] for name in key])] += birds
            cursor.executemany(_statement(table, key), [(*it, n) for it, n in sums.items()])


def _naive(hour: int) -> datetime.datetime:
    return EPOCH.replace(tzinfo=None) + hour * HOUR


def _statement(table: str, key: tuple[str, ...]) -> str:
    return (
        f"INSERT INTO {table} ({', '.join(key)}, birds) VALUES ({', '.join(['%s'] * len(key))}, %s)"  # noqa: S608
        f" ON CONFLICT ({', '.join(key)}) DO UPDATE SET birds = {table}.birds + EXCLUDED.birds"
    )
