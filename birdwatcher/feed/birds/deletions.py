"""Reads which birds were deleted, in the order of the commits; every read is bounded.

On PostgreSQL many may delete at once, and what is committed later may have lower keys. So deletions
are read by their transactions, and only those below the oldest transaction that still writes:
nothing can appear among them any more. A deletion is sent when every older transaction that writes
has ended. Called in threads, never in the event loop; raises django.db.Error.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import msgspec
from django.db import connection
from django.db.models import Min, Q

from birdwatcher.common.keys import BIGGEST_KEY
from birdwatcher.feed.birds.filter import BirdFilter
from birdwatcher.feed.cursor import DeletionCursor
from birdwatcher.feed.models import Deletion

BIRDS = 2_500  # of one read, or a few hundred more
# Rows of one read. On PostgreSQL each has up to 500 birds, or one if they are of many species; on
# SQLite one.
ROWS = {"postgresql": 1_000, "sqlite": BIRDS}

# Every transaction below it has ended.
XMIN = "pg_snapshot_xmin(pg_current_snapshot())::text::bigint"
BEHIND = """
    SELECT xact, id, node_id, species_id, birds FROM live_deletion
    WHERE (xact, id) > (%s, %s) AND (xact, id) <= (%s, %s) {settled} ORDER BY xact, id LIMIT %s
"""
# Cut where it is read: of the birds that are too many, none is sent here.
CUT = """
    SELECT xact, id, node_id, species_id, birds FROM (
        SELECT *, sum(jsonb_array_length(birds)) OVER (ORDER BY xact, id) AS total
        FROM ({behind}) AS behind
    ) AS counted
    WHERE total - jsonb_array_length(birds) < {birds} ORDER BY xact, id
"""
AFTER = {
    "postgresql": CUT.format(behind=BEHIND.format(settled=f"AND xact < {XMIN}"), birds=BIRDS),
    "sqlite": BEHIND.format(settled=""),
}
LOOKED_AT = 10_000  # rows among which the oldest is searched
FOR_EVER = DeletionCursor(BIGGEST_KEY, BIGGEST_KEY)


class Deleted(NamedTuple):
    """Birds of one node and one species that were deleted; without both, all up to the one key in
    `birds`."""

    cursor: DeletionCursor
    node: int | None
    species: int | None
    birds: Sequence[int]

    @property
    def everything(self) -> bool:
        """Whether all birds were deleted."""
        return self.node is None

    def concerns(self, wanted: BirdFilter) -> bool:
        """Whether a follower of `wanted` may have been sent some of them."""
        return self.everything or wanted.takes_of(self.node, self.species)


def newest() -> DeletionCursor:
    """Return the cursor after every deletion that can be sent now."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(f"SELECT {XMIN}")
            return DeletionCursor(int(cursor.fetchone()[0]), 0)
        # Not the highest key that is there: they are forgotten after a while.
        cursor.execute("SELECT seq FROM sqlite_sequence WHERE name = 'live_deletion'")
        row = cursor.fetchone()
        return DeletionCursor(0, int(row[0]) if row else 0)


def after(start: DeletionCursor, until: DeletionCursor = FOR_EVER) -> tuple[list[Deleted], bool]:
    """Return the next deletions after `start`, up to `until`, and whether there may be more."""
    rows_at_once = ROWS[connection.vendor]
    with connection.cursor() as cursor:
        cursor.execute(AFTER[connection.vendor], [*start, *until, rows_at_once])
        found = [_deleted(*row) for row in cursor.fetchall()]
    more = len(found) == rows_at_once or sum(len(it.birds) for it in found) >= BIRDS
    return found, more


def oldest_unsent(start: DeletionCursor) -> float | None:
    """Return the Unix time of the oldest deletion after `start`, sendable yet or not, or None."""
    later = Q(xact__gt=start.xact) | Q(xact=start.xact, pk__gt=start.key)
    # The index is searched by the bound on `xact` alone.
    unsent = Deletion.objects.filter(later, xact__gte=start.xact).order_by("xact", "pk")[:LOOKED_AT]
    at: datetime.datetime | None = unsent.aggregate(at=Min("at"))["at"]
    return at.timestamp() if at else None


def _deleted(xact: int, key: int, node: int | None, species: int | None, birds: str) -> Deleted:
    return Deleted(
        DeletionCursor(xact, key), node, species, msgspec.json.decode(birds, type=list[int])
    )


def pieces(
    deleted: Sequence[Deleted], wanted: BirdFilter, size: int
) -> Iterator[tuple[list[int], int | None]]:
    """Yield the deleted birds that are wanted, at most `size` at a time; or none of them, and the
    key up to which all birds were deleted."""
    keys: list[int] = []
    for one in deleted:
        if one.everything:
            if keys:
                yield keys, None
            keys = []
            yield [], one.birds[0]
        elif one.concerns(wanted):
            keys += one.birds
        while len(keys) >= size:
            yield keys[:size], None
            keys = keys[size:]
    if keys:
        yield keys, None
