"""When it is time for a report, and who makes it: beside the news, which never wait for it."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence

import django.db

from birdwatcher.common.database import first_line
from birdwatcher.feed import shares as report
from birdwatcher.feed.followers import Client
from birdwatcher.feed.thread import DatabaseThread

PAUSE = 1.0  # seconds between two reports, at least

log = logging.getLogger("birdwatcher.web")


class Reporter:
    """Tells how many birds there are, after every so many new ones."""

    def __init__(self, thread: DatabaseThread, every: int) -> None:
        """`thread`: of its own. `every`: birds between two reports."""
        self._thread = thread
        self._every = every
        self._unreported = 0  # birds since the last report
        self._next_at = 0.0  # when the next one may be made, monotonic
        self._task: asyncio.Task[None] | None = None

    def tell(self, new_birds: int, clients: Sequence[Client]) -> None:
        """Count `new_birds`, and have a report told to `clients` if it is time for that."""
        self._unreported += new_birds
        if self._unreported < self._every or time.monotonic() < self._next_at:
            return
        # Reports do not wait for each other, and one that fails is left out.
        if self._task and not self._task.done():
            return
        self._unreported %= self._every  # the rest counts for the next one
        self._next_at = time.monotonic() + PAUSE
        if clients:
            self._task = asyncio.create_task(self._report(clients))

    def close(self) -> None:
        """Leave a report that is being made."""
        if self._task:
            self._task.cancel()

    async def _report(self, clients: Sequence[Client]) -> None:
        try:
            text = await self._thread.ask(report.text)
        except django.db.Error as error:
            log.warning("a report is left out: %s", first_line(error))
        else:
            for client in clients:
                client.put(text)
