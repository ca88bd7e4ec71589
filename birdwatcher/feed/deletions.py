"""Reading which birds were deleted, in the order of the commits; every read is bounded.

On PostgreSQL many may delete at once, and what is committed later may have lower keys. So they are
read by their transactions, and only those that began before any that is still under way: nothing
can appear among them any more. A deletion is told when every older transaction that writes has
ended. Called in threads, never in a loop; raises django.db.Error.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import msgspec
from django.db import connection
from django.db.models import Min, Q

from birdwatcher.common.keys import BIGGEST_KEY
from birdwatcher.feed.cursor import Gone
from birdwatcher.feed.models import Deletion
from birdwatcher.feed.wanted import Wanted

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
LOOKED_AT = 10_000  # rows among which the oldest is looked for
FOR_EVER = Gone(BIGGEST_KEY, BIGGEST_KEY)


class Deleted(NamedTuple):
    """Birds of one node and one species that are no more; without both, all up to the one key in
    `birds`."""

    place: Gone
    node: int | None
    species: int | None
    birds: Sequence[int]

    @property
    def everything(self) -> bool:
        """Whether it is all birds that there were."""
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
    rows_at_once = ROWS[connection.vendor]
    with connection.cursor() as cursor:
        cursor.execute(AFTER[connection.vendor], [*place, *until, rows_at_once])
        found = [_deleted(*row) for row in cursor.fetchall()]
    more = len(found) == rows_at_once or sum(len(it.birds) for it in found) >= BIRDS
    return found, more


def oldest_untold(place: Gone) -> float | None:
    """Return when the first of those that come next behind `place` came, in Unix time, whether they
    can be told yet or not; None if there are none."""
    behind = Q(xact__gt=place.xact) | Q(xact=place.xact, pk__gt=place.key)
    # The bound on `xact` alone is what the index is searched by.
    untold = Deletion.objects.filter(behind, xact__gte=place.xact).order_by("xact", "pk")[
        :LOOKED_AT
    ]
    at: datetime.datetime | None = untold.aggregate(at=Min("at"))["at"]
    return at.timestamp() if at else None


def _deleted(xact: int, key: int, node: int | None, species: int | None, birds: str) -> Deleted:
    return Deleted(Gone(xact, key), node, species, msgspec.json.decode(birds, type=list[int]))


def pieces(
    deleted: Sequence[Deleted], wanted: Wanted, size: int
) -> Iterator[tuple[list[int], int | None]]:
    """Yield the birds that concern somebody, at most `size` at a time; or none, and the key up to
    which it is all birds."""
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
