"""Follows a table, once for all followers of a web process.

The reader queues what is new for each follower and waits for none of them. When the database is
away, it reports that to all, asks again until the database is back, and goes on where it was. It
also reads while the only followers are programs that still catch up: they find what they need next
in memory (`feed.birds.recent`).
"""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from functools import partial

import django.db

from birdwatcher.common.database import first_line
from birdwatcher.common.database.opened import ReplacedError
from birdwatcher.feed.cursor import Cursor, DeletionToken
from birdwatcher.feed.database_thread import PATIENCE, DatabaseThread
from birdwatcher.feed.follower import Follower
from birdwatcher.feed.messages import DeletionsMissed, Trouble
from birdwatcher.feed.table import News, Table

POLL = 0.25  # seconds between two reads
RETRY = 1.0  # seconds until a database that is away is asked again
HEARTBEAT = 10.0  # seconds between two heartbeats
AWAY = "The database is away."
SILENT = "The database does not answer."

log = logging.getLogger("birdwatcher.web")


class Reader:
    """One course of following a table, from the first follower to the last."""

    def __init__(
        self,
        table: Table,
        thread: DatabaseThread,
        followers: AbstractSet[Follower],
        *,
        heartbeat: float,
        on_rows: Callable[[int, Sequence[Follower]], None],
    ) -> None:
        """`followers`: all there are at any moment; the reader notices new ones by itself.

        `heartbeat`: seconds between two. `on_rows` is called after each read with the number of new
        rows and the followers that get everything.
        """
        self._table = table
        self._thread = thread
        self._followers = followers
        self._heartbeat = heartbeat
        self._on_rows = on_rows
        self._begun: set[Follower] = set()
        self._cursor: Cursor | None = None  # everything up to it was queued
        self._as_of = 0.0  # no unsent deletion is older, in Unix time
        self._trouble = ""
        self._heartbeat_at = 0.0  # when the next one is due, monotonic

    async def run(self) -> None:
        """Follow until cancelled."""
        while True:
            try:
                pause = await self._step()
            except django.db.Error as error:
                if isinstance(error, ReplacedError):
                    # The keys that were reached are those of another file.
                    self._cursor, self._begun = None, set()
                self._report_trouble(AWAY, first_line(error))
                self._table.reconnected()
                pause = RETRY
            await asyncio.sleep(pause)

    async def _step(self) -> float:
        """Queue what is new; return the seconds until the next read. Raises django.db.Error."""
        cursor = self._cursor or await self._begin()
        await self._welcome(cursor)
        news = await self._thread.ask(partial(self._table.after, cursor), self._late)
        self._end_trouble()
        self._cursor = news.end
        await self._spread(news)
        self._on_rows(news.count, [it for it in self._following if it.gets_everything])
        if time.monotonic() >= self._heartbeat_at:
            self._heartbeat_at = time.monotonic() + self._heartbeat
            await self._send_heartbeats(news.end)
        # Very many deletions are sent without haste, so that they drop no follower.
        return 0.0 if news.count == self._table.at_once else POLL

    @property
    def _following(self) -> Sequence[Follower]:
        """The followers that have begun and are still there."""
        return list(self._begun & self._followers)

    async def _begin(self) -> Cursor:
        """Return where the news begin."""
        newest = await self._thread.ask(self._table.newest, self._late)
        self._as_of = time.time()
        self._cursor = Cursor(
            newest, await self._thread.ask(self._table.newest_deletion, self._late)
        )
        return self._cursor

    async def _welcome(self, cursor: Cursor) -> None:
        """Have the new followers follow from `cursor` on."""
        # A follower that connects during the query may have seen newer rows than it returns.
        new = self._followers - self._begun
        newest = cursor.key
        if any((it.since or 0) > newest for it in new):
            newest = await self._thread.ask(self._table.newest, self._late)
        for follower in new:
            follower.begin(cursor, newest)
            follower.put_heartbeat(cursor, self._as_of)
        self._begun = (self._begun | new) & self._followers

    async def _spread(self, news: News) -> None:
        """Queue the news for every follower."""
        for follower in self._following if news.count or news.has_deletions else ():
            follower.put_news(news)
            # With a different filter for each, encoding takes long: let other tasks run.
            await asyncio.sleep(0)

    async def _send_heartbeats(self, cursor: Cursor) -> None:
        """Queue a heartbeat for every follower, with which it can reconnect."""
        now = time.time()
        oldest = await self._thread.ask(
            partial(self._table.oldest_unsent_deletion, cursor.deletions), self._late
        )
        before, self._as_of = self._as_of, now if oldest is None else oldest
        # Also if the database, or its answer, was away for so long.
        missed = DeletionToken(cursor.deletions, int(min(before, self._as_of))).is_old(now)
        for follower in self._following:
            if missed and follower.gets_everything:
                follower.put(DeletionsMissed().encode())
            follower.put_heartbeat(cursor, self._as_of)

    def _late(self) -> None:
        self._report_trouble(SILENT, f"no answer for {PATIENCE:g} s")

    def _report_trouble(self, reason: str, why: str) -> None:
        """Report to every follower, at once and then in place of heartbeats; log it once."""
        if reason != self._trouble:
            log.warning("new birds cannot be sent: %s; trying again", why)
            self._trouble, self._heartbeat_at = reason, 0.0
        if time.monotonic() >= self._heartbeat_at:
            self._heartbeat_at = time.monotonic() + self._heartbeat
            for follower in self._followers:
                follower.put(Trouble(reason).encode())

    def _end_trouble(self) -> None:
        if self._trouble:
            log.info("new birds are sent again")
            self._trouble, self._heartbeat_at = "", 0.0
