"""Reads which birds were deleted, in the order of the commits; every read is bounded.

A deletion is sent when every older transaction that writes has ended (see the folder `sql`).
Called in threads, never in the event loop; raises django.db.Error.
"""

import datetime
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import msgspec
from django.db import connection
from django.db.models import Min, Q

from birdwatcher.common import sql
from birdwatcher.common.database import engine
from birdwatcher.common.keys import BIGGEST_KEY
from birdwatcher.feed.birds.filter import BirdFilter
from birdwatcher.feed.cursor import DeletionCursor
from birdwatcher.feed.models import Deletion

BIRDS = 2_500  # of one read, or a few hundred more
# Rows of one read on PostgreSQL; each has up to 500 birds, or one if they are of many species.
ROWS = 1_000
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
        cursor.execute(_statement("newest"))
        return DeletionCursor(*cursor.fetchone())


def after(start: DeletionCursor, until: DeletionCursor = FOR_EVER) -> tuple[list[Deleted], bool]:
    """Return the next deletions after `start`, up to `until`, and whether there may be more."""
    span = {"xact": start.xact, "key": start.key, "until_xact": until.xact, "until_key": until.key}
    with connection.cursor() as cursor:
        cursor.execute(_statement("after"), span | {"rows": ROWS, "birds": BIRDS})
        found = [_deleted(*row) for row in cursor.fetchall()]
    return found, len(found) == ROWS or sum(len(it.birds) for it in found) >= BIRDS


def _statement(name: str) -> str:
    return sql.load(__package__, "deletions", engine().name)[name]


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
    """Yield the keys of deleted birds that are wanted, at most `size` at a time.

    Where all birds were deleted, yield no keys, and the key up to which they were.
    """
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
