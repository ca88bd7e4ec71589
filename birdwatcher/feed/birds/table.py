"""Reads the table of birds by its key; every read is bounded.

Called in threads, never in the event loop; raises django.db.Error.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from django.db import connection
from django.db.models import QuerySet

from birdwatcher.birds.models import Bird
from birdwatcher.common.database import engine
from birdwatcher.common.database.opened import ReplacedError
from birdwatcher.feed.birds import deletions
from birdwatcher.feed.birds.filter import BirdFilter
from birdwatcher.feed.birds.messages import Sighting
from birdwatcher.feed.birds.news import AT_ONCE, BirdNews
from birdwatcher.feed.birds.recent import Recent, Stretch
from birdwatcher.feed.cursor import Cursor, DeletionCursor

RESUMED = 1000  # birds that a page gets when it returns, the newest of those missed
LOOKED_THROUGH = 100_000  # keys among which these are searched, and counted
STATEMENT_TIMEOUT = 10.0  # seconds, PostgreSQL

COLUMNS = (
    "pk", "timestamp", "name", "species__name", "species", "node__name", "node", "doubtful",
)  # fmt: skip


@dataclass(frozen=True)
class Resumed:
    """What a page missed: the newest birds of it, and how many were left out before those.

    With `at_least` even more may be left out: not all keys were searched.
    """

    birds: Sequence[Sighting] = field(default_factory=list)
    left_out: int = 0
    at_least: bool = False


def newest() -> int:
    """Return the highest key, 0 without birds."""
    prepare()
    return Bird.objects.order_by("-pk").values_list("pk", flat=True).first() or 0


def resume(wanted: BirdFilter, since: int, until: int) -> Resumed:
    """Return the wanted birds after the key `since`, up to `until`: those that a page missed."""
    prepare()
    first = max(since, until - LOOKED_THROUGH)
    birds = wanted.among(Bird.objects.filter(pk__gt=first, pk__lte=until))
    rows = read(birds.order_by("-pk")[: RESUMED + 1])
    left_out = birds.order_by().count() - RESUMED if len(rows) > RESUMED else 0
    return Resumed(rows[RESUMED - 1 :: -1], left_out, at_least=first > since)


def prepare() -> None:
    """Connect this thread, if it is not connected, and bound the time of its statements."""
    if connection.connection is None:
        connection.ensure_connection()
        engine().limit_statements(STATEMENT_TIMEOUT)


class BirdTable:
    """The table of birds as the reader follows it: see `feed.table.Table`. One call at a time."""

    at_once = AT_ONCE

    def __init__(self, recent: Recent) -> None:
        """`recent` gets the birds that are read."""
        self._recent = recent
        self._version: int | None = None

    def newest(self) -> int:
        """Return the highest key, 0 without birds."""
        return newest()

    def newest_deletion(self) -> DeletionCursor:
        """Return the cursor after every deletion that can be sent now."""
        return deletions.newest()

    def oldest_unsent_deletion(self, cursor: DeletionCursor) -> float | None:
        """Return the Unix time of the oldest deletion after `cursor`, None without any."""
        return deletions.oldest_unsent(cursor)

    def after(self, cursor: Cursor) -> BirdNews:
        """Return the next birds after `cursor`, at most `AT_ONCE`, and the next deletions."""
        self._recent.news_at(cursor.key)
        prepare()
        try:
            version = engine().commits_of_others()  # cheaper than a read
        except ReplacedError:
            self._recent.forget()  # these are birds of another file
            raise
        if version is not None and version == self._version:
            return BirdNews(cursor)
        read_at = time.monotonic()
        birds = read(Bird.objects.filter(pk__gt=cursor.key).order_by("pk")[:AT_ONCE])
        # After the birds: a bird that is deleted in between was sent before, or never will be.
        deleted, more = deletions.after(cursor.deletions)
        # There may be more, even if nothing is written any more.
        self._version = None if more or len(birds) == AT_ONCE else version
        if birds:
            stretch = Stretch(cursor.key, birds[-1].id, birds, cursor.deletions, read_at)
            self._recent.add(stretch)
        return BirdNews(cursor, birds, deleted)

    def reconnected(self) -> None:
        """Read at the next call: SQLite counts commits for each connection anew."""
        self._version = None


def read(birds: QuerySet[Bird]) -> list[Sighting]:
    """Return `birds` as they are sent."""
    return [Sighting(*row) for row in birds.values_list(*COLUMNS)]
