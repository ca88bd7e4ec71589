"""All who follow the birds through one web process, and the one task that reads for them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Iterator

from birdwatcher.live.client import Client
from birdwatcher.live.reader import HEARTBEAT, Reader
from birdwatcher.live.thread import DatabaseThread

MOST_CLIENTS = 1000  # of one process

log = logging.getLogger("birdwatcher.web")


class FullError(Exception):
    """There are as many clients as one process may have."""


class Hub:
    """All who follow the birds; to be used in one event loop."""

    def __init__(self, report_every: int, heartbeat: float = HEARTBEAT) -> None:
        """`report_every`: birds between two reports. `heartbeat`: seconds between two signs of
        life.
        """
        # What single clients ask waits for no one's news, and the other way round; and neither for
        # those who were away for long.
        self.questions = DatabaseThread()
        self.replays = DatabaseThread()
        self._news = DatabaseThread(stays=True)
        self.heartbeat = heartbeat
        self._report_every = report_every
        self._places = 0  # that are taken
        self._clients: set[Client] = set()
        self._task: asyncio.Task[None] | None = None

    @contextlib.contextmanager
    def place(self) -> Iterator[None]:
        """Be one of those who may follow. Raises FullError."""
        if self._places >= MOST_CLIENTS:
            raise FullError
        self._places += 1
        try:
            yield
        finally:
            self._places -= 1

    def add(self, client: Client) -> None:
        """Have `client`, who has a place, told from now on."""
        self._clients.add(client)
        if self._task is None:
            self._task = asyncio.create_task(self._read())

    def remove(self, client: Client) -> None:
        """Forget `client`; without the last one the table is left alone."""
        self._clients.discard(client)
        if self._task and not self._clients:
            self._task.cancel()
            self._task = None

    async def _read(self) -> None:
        try:
            reader = Reader(self._news, self._clients, self.heartbeat, self._report_every)
            await reader.run()
        except Exception:
            log.exception("following the birds failed")
            # They come again, and with the first of them another reader.
            self._task = None
            for client in self._clients:
                client.too_slow.set()
        finally:
            self._news.leave()
