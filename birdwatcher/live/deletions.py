"""Reading which birds were deleted, in the order of the commits; every read is bounded.

On PostgreSQL many may delete at once, and what is committed later may have lower keys. So they are
read by their transactions, and only those that began before any that is still under way: nothing
can appear among them any more. A deletion is told when every older transaction that writes has
ended. Called in threads, never in a loop; raises django.db.Error.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import msgspec
from django.db import connection

from birdwatcher.live.place import Gone
from birdwatcher.live.wanted import Wanted

# Rows of one read. On PostgreSQL each has up to 500 birds, on SQLite one.
AT_ONCE = {"postgresql": 10, "sqlite": 2500}

# Every transaction below it has ended.
XMIN = "pg_snapshot_xmin(pg_current_snapshot())::text::bigint"
AFTER = """
    SELECT xact, id, node_id, species_id, birds FROM live_deletion
    WHERE (xact, id) > (%s, %s) AND (xact, id) <= (%s, %s) {settled} ORDER BY xact, id LIMIT %s
"""
FOR_EVER = Gone(2**63 - 1, 2**63 - 1)


class Deleted(NamedTuple):
    """Birds of one node and one species that are no more; without both, all birds."""

    place: Gone
    node: int | None
    species: int | None
    birds: Sequence[int]

    @property
    def everything(self) -> bool:
        """Whether no bird is left at all."""
        return self.node is None

    def concerns(self, wanted: Wanted) -> bool:
        """Whether somebody who follows `wanted` may have been told of them."""
        return self.everything or wanted.takes_of(self.node, self.species)


def newest() -> Gone:
    """Return the place behind everything that can be told now."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(f"SELECT {XMIN}")
            return Gone(int(cursor.fetchone()[0]), 0)
        # Not the highest key that is there: they are forgotten after a while.
        cursor.execute("SELECT seq FROM sqlite_sequence WHERE name = 'live_deletion'")
        row = cursor.fetchone()
        return Gone(0, int(row[0]) if row else 0)


def after(place: Gone, until: Gone = FOR_EVER) -> tuple[list[Deleted], bool]:
    """Return the next ones behind `place`, up to `until`, and whether there may be more."""
    at_once = AT_ONCE[connection.vendor]
    settled = f"AND xact < {XMIN}" if connection.vendor == "postgresql" else ""
    with connection.cursor() as cursor:
        cursor.execute(AFTER.format(settled=settled), [*place, *until, at_once])
        rows = cursor.fetchall()
    return [_deleted(*row) for row in rows], len(rows) == at_once


def _deleted(xact: int, key: int, node: int | None, species: int | None, birds: str) -> Deleted:
    return Deleted(Gone(xact, key), node, species, msgspec.json.decode(birds, type=list[int]))


def pieces(
    deleted: Sequence[Deleted], wanted: Wanted, size: int
) -> Iterator[tuple[list[int], bool]]:
    """Yield the birds that concern somebody, at most `size` at a time, and whether it is all."""
    keys: list[int] = []
    for one in deleted:
        if one.everything:
            if keys:
                yield keys, False
            keys = []
            yield [], True
        elif one.concerns(wanted):
            keys += one.birds
        while len(keys) >= size:
            yield keys[:size], False
            keys = keys[size:]
    if keys:
        yield keys, False
