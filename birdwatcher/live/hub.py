"""All who follow the birds through one web process, and the one task that reads for them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Iterator

from birdwatcher.feed.followers import Client
from birdwatcher.feed.reader import HEARTBEAT, Reader
from birdwatcher.feed.recent import Recent
from birdwatcher.feed.thread import DatabaseThread
from birdwatcher.live.quota import Kind, Places

log = logging.getLogger("birdwatcher.web")


class Hub:
    """All who follow the birds; to be used in one event loop."""

    def __init__(self, report_every: int, heartbeat: float = HEARTBEAT) -> None:
        """`report_every`: birds between two reports. `heartbeat`: seconds between two signs of
        life.
        """
        # What single clients ask waits for no one's news, and the other way round; and neither for
        # those who were away for long, nor for the counts.
        self.questions = DatabaseThread()
        self.replays = DatabaseThread()
        self._news = DatabaseThread(stays=True)
        self._reports = DatabaseThread()
        self.recent = Recent()
        self.heartbeat = heartbeat
        self._report_every = report_every
        self._places = Places()
        self._clients: set[Client] = set()
        self._task: asyncio.Task[None] | None = None

    @contextlib.contextmanager
    def place(self, who: str, kind: Kind) -> Iterator[None]:
        """Be one of those who may follow. Raises FullError, TooManyError.

        As long as there is anybody, the news are read: also for those who still have to be told
        what they missed, who meet the news then.
        """
        with self._places.taken(who, kind):
            try:
                self._begin()
                yield
            finally:
                if self._places.count == 1 and self._task:
                    self._task.cancel()
                    self._task = None

    def add(self, client: Client) -> None:
        """Have `client`, who has a place, told from now on."""
        self._clients.add(client)
        self._begin()

    def remove(self, client: Client) -> None:
        """Forget `client`."""
        self._clients.discard(client)

    def _begin(self) -> None:
        if self._task is None:
            self._task = asyncio.create_task(self._read())

    async def _read(self) -> None:
        try:
            reader = Reader(
                self._news,
                self._reports,
                self._clients,
                self.recent,
                heartbeat=self.heartbeat,
                report_every=self._report_every,
            )
            await reader.run()
        except Exception:
            log.exception("following the birds failed")
            # They come again, and with the first of them another reader.
            self._task = None
            for client in self._clients:
                client.too_slow.set()
        finally:
            self.recent.forget()
            self._news.leave()
