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

from birdwatcher.live import messages, table
from birdwatcher.live.client import Client, Delivery
from birdwatcher.live.thread import PATIENCE, DatabaseThread
from birdwatcher.writer.session import first_line

POLL = 0.25  # seconds between two looks at the table
RETRY = 1.0  # seconds until a database that is away is asked again
HEARTBEAT = 10.0  # seconds between two signs of life
AWAY = "The database is away."
SILENT = "The database does not answer."

log = logging.getLogger("birdwatcher.web")


class Reader:
    """One course of following the table, from the first client to the last."""

    def __init__(
        self, thread: DatabaseThread, clients: AbstractSet[Client], heartbeat: float
    ) -> None:
        """`clients` is everybody who follows at any moment; who is new there is taken up."""
        self._thread = thread
        self._clients = clients
        self._heartbeat = heartbeat
        self._follower = table.Follower()
        self._begun: set[Client] = set()
        self._position: int | None = None  # the highest key that was told
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
        position = self._position
        birds = await self._thread.ask(lambda: self._follower.after(position), self._late)
        self._recovered()
        if birds:
            self._position = birds[-1].id
            delivery = Delivery(birds)
            for client in self._begun & self._clients:
                client.offer(delivery)
        if time.monotonic() >= self._sign_at:
            self._sign_at = time.monotonic() + self._heartbeat
            for client in self._begun & self._clients:
                client.live_at(self._position)
        return 0.0 if len(birds) == table.AT_ONCE else POLL

    async def _welcome(self, position: int) -> None:
        """Have those who are new follow from `position` on."""
        # Whoever comes while the table is asked may have been told of more than it answers.
        new = self._clients - self._begun
        newest = position
        if any((it.since or 0) > position for it in new):
            newest = await self._thread.ask(table.newest, self._late)
        for client in new:
            client.begin(position, newest)
            client.live_at(position)
        self._begun = (self._begun | new) & self._clients

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
