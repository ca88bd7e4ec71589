"""Follows the table of birds, once for all clients of a web process.

What is new goes into the queue of each client, and the reader waits for none of them. When the
database is away, it says so to all, asks again until it is back, and goes on where it was. It reads
also while nobody is there but those who are still told what they missed: they find the news among
the recent birds.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from functools import partial

import django.db

from birdwatcher.common.database import first_line
from birdwatcher.feed import deletions, messages, table
from birdwatcher.feed.cursor import Kept, Place
from birdwatcher.feed.delivery import Delivery, Removal
from birdwatcher.feed.followers import Client
from birdwatcher.feed.recent import Recent, Stretch
from birdwatcher.feed.reporter import Reporter
from birdwatcher.feed.table import News
from birdwatcher.feed.thread import PATIENCE, DatabaseThread

POLL = 0.25  # seconds between two looks at the table
RETRY = 1.0  # seconds until a database that is away is asked again
HEARTBEAT = 10.0  # seconds between two signs of life
AWAY = "The database is away."
SILENT = "The database does not answer."

log = logging.getLogger("birdwatcher.web")


class Reader:
    """One course of following the table, from the first client to the last."""

    def __init__(
        self,
        thread: DatabaseThread,
        reports: DatabaseThread,
        clients: AbstractSet[Client],
        recent: Recent,
        *,
        heartbeat: float,
        report_every: int,
    ) -> None:
        """`clients` is everybody who follows at any moment; who is new there is taken up.

        `reports`: the thread that counts for them. `report_every`: birds between two of them.
        """
        self._thread = thread
        self._clients = clients
        self._recent = recent
        self._heartbeat = heartbeat
        self._follower = table.Follower()
        self._begun: set[Client] = set()
        self._place: Place | None = None  # how far everybody was told
        self._as_of = 0.0  # no deletion that is yet to be told came earlier, in Unix time
        self._reporter = Reporter(reports, report_every)
        self._trouble = ""
        self._sign_at = 0.0  # when the next sign of life is due, monotonic

    async def run(self) -> None:
        """Follow until cancelled."""
        with contextlib.closing(self._reporter):
            while True:
                try:
                    pause = await self._step()
                except django.db.Error as error:
                    self._troubled(AWAY, first_line(error))
                    self._follower.forget()
                    pause = RETRY
                await asyncio.sleep(pause)

    async def _step(self) -> float:
        """Tell what is new; return the seconds until there may be more. Raises django.db.Error."""
        place = self._place or await self._begin()
        await self._welcome(place)
        asked_at = time.monotonic()
        news = await self._thread.ask(lambda: self._follower.after(*place), self._late)
        self._recovered()
        self._keep(place, news, asked_at)
        await self._spread(news)
        self._reporter.tell(len(news.birds), [it for it in self._following if it.hears_all])
        if time.monotonic() >= self._sign_at:
            self._sign_at = time.monotonic() + self._heartbeat
            await self._tell_place()
        # Very many deletions are told at leisure: nobody is to lose their place by them.
        return 0.0 if len(news.birds) == table.AT_ONCE else POLL

    @property
    def _following(self) -> Sequence[Client]:
        """Those who were taken up, and are still there."""
        return list(self._begun & self._clients)

    async def _begin(self) -> Place:
        """Find out where the news begin."""
        newest = await self._thread.ask(table.newest, self._late)
        self._as_of = time.time()
        self._place = Place(newest, await self._thread.ask(deletions.newest, self._late))
        self._recent.news_at(newest)
        return self._place

    async def _welcome(self, place: Place) -> None:
        """Have those who are new follow from `place` on."""
        # Whoever comes while the table is asked may have been told of more than it answers.
        new = self._clients - self._begun
        newest = place.birds
        if any((it.since or 0) > newest for it in new):
            newest = await self._thread.ask(table.newest, self._late)
        for client in new:
            client.begin(place, newest)
            client.live_at(place, self._as_of)
        self._begun = (self._begun | new) & self._clients

    def _keep(self, place: Place, news: News, read_at: float) -> None:
        """Note how far everybody will have been told, and what, for those who come to it later."""
        if news.birds:
            last = news.birds[-1].id
            self._recent.add(Stretch(place.birds, last, news.birds, place.gone, read_at))
            self._recent.news_at(last)
            place = place._replace(birds=last)
        if news.deleted:
            place = place._replace(gone=news.deleted[-1].place)
        self._place = place

    async def _spread(self, news: News) -> None:
        """Tell everybody what is new."""
        delivery, removal = Delivery(news.birds), Removal(news.deleted)
        for client in self._following if news.birds or news.deleted else ():
            if news.birds:
                client.offer(delivery)
            if news.deleted:
                client.remove(removal)
            # If each wants something else, each message is made anew: others have their turn.
            await asyncio.sleep(0)

    async def _tell_place(self) -> None:
        """Give everybody a sign of life, with which to come again."""
        place = self._place
        assert place is not None  # noqa: S101 for the type checker
        now = time.time()
        oldest = await self._thread.ask(partial(deletions.oldest_untold, place.gone), self._late)
        before, self._as_of = self._as_of, now if oldest is None else oldest
        # Also if the database, or its answer, was away for so long.
        missed = Kept(place.gone, int(min(before, self._as_of))).is_old(now)
        for client in self._following:
            if missed and client.hears_all:
                client.put(messages.deletions_missed())
            client.live_at(place, self._as_of)

    def _late(self) -> None:
        self._troubled(SILENT, f"no answer for {PATIENCE:g} s")

    def _troubled(self, said: str, why: str) -> None:
        """Tell everybody that nothing can be told; again from time to time, as a sign of life."""
        if said != self._trouble:
            log.warning("new birds cannot be told: %s; trying again", why)
            self._trouble, self._sign_at = said, 0.0
        if time.monotonic() >= self._sign_at:
            self._tell(messages.trouble(said))

    def _recovered(self) -> None:
        if self._trouble:
            log.info("new birds are told again")
            self._trouble, self._sign_at = "", 0.0

    def _tell(self, text: str) -> None:
        """Tell everybody, and that counts as a sign of life."""
        self._sign_at = time.monotonic() + self._heartbeat
        for client in self._clients:
            client.put(text)
