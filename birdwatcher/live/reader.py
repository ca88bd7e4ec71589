"""Follows the table of birds, once for all clients of a web process.

What is new goes into the queue of each client, and the reader waits for none of them. When the
database is away, it says so to all, asks again until it is back, and goes on where it was.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Set as AbstractSet

import django.db

from birdwatcher.live import deletions, messages, report, table
from birdwatcher.live.client import Client
from birdwatcher.live.delivery import Delivery, Removal
from birdwatcher.live.place import Gone, Place
from birdwatcher.live.table import News
from birdwatcher.live.thread import PATIENCE, DatabaseThread
from birdwatcher.writer.session import first_line

POLL = 0.25  # seconds between two looks at the table
RETRY = 1.0  # seconds until a database that is away is asked again
HEARTBEAT = 10.0  # seconds between two signs of life
REPORT_PAUSE = 1.0  # seconds between two reports, at least
AWAY = "The database is away."
SILENT = "The database does not answer."

NOWHERE = Gone(0, 0)

log = logging.getLogger("birdwatcher.web")


class Reader:
    """One course of following the table, from the first client to the last."""

    def __init__(
        self,
        thread: DatabaseThread,
        clients: AbstractSet[Client],
        heartbeat: float,
        report_every: int,
    ) -> None:
        """`clients` is everybody who follows at any moment; who is new there is taken up.

        `report_every`: birds between two reports.
        """
        self._thread = thread
        self._clients = clients
        self._heartbeat = heartbeat
        self._follower = table.Follower()
        self._begun: set[Client] = set()
        self._position: int | None = None  # the highest key that was told
        self._gone: Gone | None = None  # and up to where deletions were; None: nobody asked yet
        self._report_every = report_every
        self._unreported = 0  # birds since the last report
        self._report_at = 0.0  # when the next one may be made, monotonic
        self._trouble = ""
        self._sign_at = 0.0  # when the next sign of life is due, monotonic

    async def run(self) -> None:
        """Follow until cancelled."""
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
        if self._position is None:
            self._position = await self._thread.ask(table.newest, self._late)
        await self._welcome(self._position)
        position, gone = self._position, self._gone
        news = await self._thread.ask(lambda: self._follower.after(position, gone), self._late)
        self._recovered()
        self._spread(news)
        await self._report()
        if time.monotonic() >= self._sign_at:
            self._sign_at = time.monotonic() + self._heartbeat
            for client in self._begun & self._clients:
                client.live_at(self._place)
        # Very many deletions are told at leisure: nobody is to lose their place by them.
        return 0.0 if len(news.birds) == table.AT_ONCE else POLL

    @property
    def _place(self) -> Place:
        """How far everybody was told."""
        return Place(self._position or 0, self._gone or NOWHERE)

    async def _welcome(self, position: int) -> None:
        """Have those who are new follow from `position` on."""
        # Whoever comes while the table is asked may have been told of more than it answers.
        new = self._clients - self._begun
        newest = position
        if any((it.since or 0) > position for it in new):
            newest = await self._thread.ask(table.newest, self._late)
        if self._gone is None and any(it.hears_all for it in new):
            self._gone = await self._thread.ask(deletions.newest, self._late)
        for client in new:
            client.begin(self._place, newest)
            client.live_at(self._place)
        self._begun = (self._begun | new) & self._clients

    def _spread(self, news: News) -> None:
        """Tell everybody what is new."""
        everybody = self._begun & self._clients
        if news.birds:
            self._position = news.birds[-1].id
            self._unreported += len(news.birds)
            delivery = Delivery(news.birds)
            for client in everybody:
                client.offer(delivery)
        if news.deleted:
            self._gone = news.deleted[-1].place
            removal = Removal(news.deleted)
            for client in everybody:
                client.remove(removal)

    async def _report(self) -> None:
        """Tell the programs how many birds there are, if it is time for that."""
        if self._unreported < self._report_every or time.monotonic() < self._report_at:
            return
        if any(it.hears_all for it in self._begun & self._clients):
            text = await self._thread.ask(report.text, self._late)
            for client in self._begun & self._clients:
                if client.hears_all:
                    client.put(text)
        self._unreported = 0
        self._report_at = time.monotonic() + REPORT_PAUSE

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
