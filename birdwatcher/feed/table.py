"""Reading the table of birds by its key; every read is bounded. Called in threads, never in a loop.

Raises django.db.Error wherever the database is asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from django.db import connection
from django.db.models import QuerySet

from birdwatcher.birds.models import Bird
from birdwatcher.feed import deletions
from birdwatcher.feed.cursor import Gone
from birdwatcher.feed.deletions import Deleted
from birdwatcher.feed.messages import Sighting
from birdwatcher.feed.wanted import Wanted

AT_ONCE = 500  # birds of one read, and of one message
RESUMED = 1000  # birds told to whoever was away, the newest of those missed
LOOKED_THROUGH = 100_000  # keys among which these are looked for, and counted
STATEMENT_TIMEOUT = 10.0  # seconds, PostgreSQL

COLUMNS = (
    "pk", "timestamp", "name", "species__name", "species", "node__name", "node", "doubtful",
)  # fmt: skip


@dataclass(frozen=True)
class Resumed:
    """What somebody missed: the newest birds of it, and how many were left out before those.

    With `at_least` it was so much that not all of it was looked through.
    """

    birds: Sequence[Sighting] = field(default_factory=list)
    left_out: int = 0
    at_least: bool = False


def newest() -> int:
    """Return the highest key, 0 without birds."""
    prepare()
    return Bird.objects.order_by("-pk").values_list("pk", flat=True).first() or 0


def resume(wanted: Wanted, since: int, until: int) -> Resumed:
    """Return what somebody missed who has seen every bird up to the key `since`, up to `until`."""
    prepare()
    first = max(since, until - LOOKED_THROUGH)
    birds = wanted.among(Bird.objects.filter(pk__gt=first, pk__lte=until))
    rows = read(birds.order_by("-pk")[: RESUMED + 1])
    left_out = birds.order_by().count() - RESUMED if len(rows) > RESUMED else 0
    return Resumed(rows[RESUMED - 1 :: -1], left_out, at_least=first > since)


def prepare() -> None:
    """Connect this thread if it is not, so that no statement of its takes very long."""
    if connection.connection is None:
        connection.ensure_connection()
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute(f"SET statement_timeout = '{STATEMENT_TIMEOUT:g}s'")


class News(NamedTuple):
    """What comes next in the table, and among the deletions."""

    birds: Sequence[Sighting] = ()
    deleted: Sequence[Deleted] = ()


class Follower:
    """Reads what is new; one call at a time."""

    def __init__(self) -> None:
        self._version: int | None = None

    def after(self, position: int, gone: Gone) -> News:
        """Return the next birds behind the key `position`, at most `AT_ONCE`; and the next
        deletions behind `gone`.
        """
        prepare()
        version = _version()
        if version is not None and version == self._version:
            return News()
        birds = read(Bird.objects.filter(pk__gt=position).order_by("pk")[:AT_ONCE])
        # After the birds: what is told as deleted was told before, or never will be.
        deleted, more = deletions.after(gone)
        # There may be more, although nothing is written any more.
        self._version = None if more or len(birds) == AT_ONCE else version
        return News(birds, deleted)

    def forget(self) -> None:
        """Look at the table at the next call: what was counted was so on another connection."""
        self._version = None


def _version() -> int | None:
    """Return SQLite's count of what others committed: cheaper than to look; None elsewhere."""
    if connection.vendor != "sqlite":
        return None
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA data_version")
        return int(cursor.fetchone()[0])


def read(birds: QuerySet[Bird]) -> list[Sighting]:
    """Return `birds` as they are told."""
    return [Sighting(*row) for row in birds.values_list(*COLUMNS)]
