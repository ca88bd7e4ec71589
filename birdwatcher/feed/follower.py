"""A follower of a table, a page or a program, and the queue of its messages."""

import asyncio
import sys
from dataclasses import dataclass

from birdwatcher.feed.cursor import Cursor, DeletionToken
from birdwatcher.feed.messages import Heartbeat
from birdwatcher.feed.table import Filter, News

# With birds at their most frequent, either is a few seconds of them.
QUEUE = 100  # messages
QUEUE_BYTES = 4 * 1024 * 1024  # of memory, as if no message were shared with other followers


@dataclass(frozen=True)
class Gap:
    """What one follower has missed: everything after `since`, up to `until`."""

    since: Cursor
    until: Cursor


class Follower:
    """The messages that wait for one page, in the order in which they are sent.

    For one event loop. A follower that reads too slowly is dropped: `too_slow` is set, and nothing
    more is queued.
    """

    gets_everything = False  # deletions and reports too

    def __init__(self, wanted: Filter, since: int | None, queue: int = QUEUE) -> None:
        """`since`: the highest key that a returning follower has seen."""
        self.wanted = wanted
        self.since = since
        self.too_slow = asyncio.Event()
        self._queue: asyncio.Queue[str | Gap] = asyncio.Queue(queue)
        self._bytes = 0

    async def next(self) -> str | Gap:
        """Wait for the next item and return it."""
        item = await self._queue.get()
        self._bytes -= sys.getsizeof(item)
        return item

    def begin(self, cursor: Cursor, newest: int) -> None:
        """Follow the table from `cursor` on; `newest` is the highest key there is."""
        if self.since is None or self.since > newest:  # it has seen another database
            self.since = cursor.key
        elif self.since < cursor.key:
            self.put(Gap(cursor._replace(key=self.since), cursor))
            self.since = cursor.key
        # Otherwise another web process, which is ahead of this one, sent some of the next rows.

    def put_news(self, news: News) -> None:
        """Queue the wanted ones of the new rows."""
        assert self.since is not None  # noqa: S101 for the type checker
        if news.count and (text := news.rows(self.wanted, self.since)):
            self.put(text)

    def put_heartbeat(self, cursor: Cursor, as_of: float) -> None:
        """Queue a heartbeat: everything up to `cursor` was sent.

        If a later cursor was sent before, that one is repeated: a follower that reconnects with an
        earlier one would get rows twice. `as_of`: no unsent deletion is older, in Unix time.
        """
        assert self.since is not None  # noqa: S101 for the type checker
        self.put(Heartbeat(max(self.since, cursor.key)).encode())

    def put(self, item: str | Gap) -> None:
        """Queue `item`, or drop the follower if too much waits already."""
        if self.too_slow.is_set():
            return
        if self._queue.full() or self._bytes > QUEUE_BYTES:
            self.too_slow.set()
            return
        self._bytes += sys.getsizeof(item)
        self._queue.put_nowait(item)


class ProgramFollower(Follower):
    """The messages that wait for one program, which gets everything and misses nothing."""

    gets_everything = True

    def __init__(self, wanted: Filter, cursor: Cursor, queue: int = QUEUE) -> None:
        """`cursor`: everything up to it was sent."""
        super().__init__(wanted, cursor.key, queue)
        self.cursor = cursor

    def begin(self, cursor: Cursor, newest: int) -> None:
        """Follow from `cursor` on, or from a later one that was sent before."""
        reached = self.cursor.or_later(cursor)
        if reached != self.cursor:
            self.put(Gap(self.cursor, reached))
        self.cursor, self.since = reached, reached.key

    def put_news(self, news: News) -> None:
        """Queue the wanted ones of the new rows, then of the deletions."""
        super().put_news(news)
        if news.has_deletions:
            for text in news.deletions(self.wanted, self.cursor.deletions):
                self.put(text)

    def put_heartbeat(self, cursor: Cursor, as_of: float) -> None:
        """Queue a heartbeat with what the program needs to reconnect."""
        reached = self.cursor.or_later(cursor)
        token = DeletionToken(reached.deletions, int(as_of))
        self.put(Heartbeat(reached.key, str(token)).encode())
