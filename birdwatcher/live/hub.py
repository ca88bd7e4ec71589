"""All followers of one web process, and the one task that reads for them."""

import asyncio
import contextlib
import logging
from collections.abc import Iterator

from birdwatcher.feed.birds.recent import Recent
from birdwatcher.feed.birds.report import Reporter
from birdwatcher.feed.birds.table import BirdTable
from birdwatcher.feed.database_thread import DatabaseThread
from birdwatcher.feed.follower import Follower
from birdwatcher.feed.reader import HEARTBEAT, Reader
from birdwatcher.live.quota import ConnectionQuota, Kind

log = logging.getLogger("birdwatcher.web")


class Hub:
    """The followers of one process; to be used in one event loop."""

    def __init__(self, report_every: int, heartbeat: float = HEARTBEAT) -> None:
        """`report_every`: birds between two reports. `heartbeat`: seconds between two."""
        # A thread each, so that neither the queries of single clients, nor replays, nor counts
        # delay the news, or each other.
        self.queries = DatabaseThread()
        self.replays = DatabaseThread()
        self._news = DatabaseThread(stays=True)
        self._reports = DatabaseThread()
        self.recent = Recent()
        self.heartbeat = heartbeat
        self._report_every = report_every
        self._quota = ConnectionQuota()
        self._followers: set[Follower] = set()
        self._task: asyncio.Task[None] | None = None

    @contextlib.contextmanager
    def connection(self, who: str, kind: Kind) -> Iterator[None]:
        """Count a connection inside the block. Raises FullError, TooManyError.

        While there is any connection, the reader runs: also for programs that still catch up, so
        that they meet the news.
        """
        with self._quota.taken(who, kind):
            try:
                self._begin()
                yield
            finally:
                if self._quota.count == 1 and self._task:
                    self._task.cancel()
                    self._task = None

    def add(self, follower: Follower) -> None:
        """Queue the news for `follower` from now on; it has a connection."""
        self._followers.add(follower)
        self._begin()

    def remove(self, follower: Follower) -> None:
        """Forget `follower`."""
        self._followers.discard(follower)

    def _begin(self) -> None:
        if self._task is None:
            self._task = asyncio.create_task(self._read())

    async def _read(self) -> None:
        reporter = Reporter(self._reports, self._report_every)
        try:
            reader = Reader(
                BirdTable(self.recent),
                self._news,
                self._followers,
                heartbeat=self.heartbeat,
                on_rows=reporter.count,
            )
            await reader.run()
        except Exception:
            log.exception("following the birds failed")
            # The followers reconnect, and the first of them starts another reader.
            self._task = None
            for follower in self._followers:
                follower.too_slow.set()
        finally:
            reporter.close()
            self.recent.forget()
            self._news.close()
