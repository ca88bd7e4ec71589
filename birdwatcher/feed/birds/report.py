"""The report: how many birds there are, and the share of each node; sent as new birds arrive.

It is made beside the news, which never wait for it, from the counts: its cost does not depend on
the number of birds.
"""

import asyncio
import logging
import time
from collections.abc import Sequence

import django.db

from birdwatcher.common.database import first_line
from birdwatcher.feed.birds import table
from birdwatcher.feed.birds.messages import Report, Share
from birdwatcher.feed.database_thread import DatabaseThread
from birdwatcher.feed.follower import Follower
from birdwatcher.rollups import ranking

PAUSE = 1.0  # seconds between two reports, at least

log = logging.getLogger("birdwatcher.web")


class Reporter:
    """Sends a report each time that `every` new birds have arrived."""

    def __init__(self, thread: DatabaseThread, every: int) -> None:
        """`thread`: used for nothing else. `every`: birds between two reports."""
        self._thread = thread
        self._every = every
        self._unreported = 0  # birds since the last report
        self._next_at = 0.0  # when the next one may be made, monotonic
        self._task: asyncio.Task[None] | None = None

    def count(self, new_birds: int, followers: Sequence[Follower]) -> None:
        """Count `new_birds`, and send a report to `followers` if one is due."""
        self._unreported += new_birds
        if self._unreported < self._every or time.monotonic() < self._next_at:
            return
        # Reports do not wait for each other, and one that fails is left out.
        if self._task and not self._task.done():
            return
        self._unreported %= self._every  # the rest counts for the next one
        self._next_at = time.monotonic() + PAUSE
        if followers:
            self._task = asyncio.create_task(self._report(followers))

    def close(self) -> None:
        """Cancel a report that is being made."""
        if self._task:
            self._task.cancel()

    async def _report(self, followers: Sequence[Follower]) -> None:
        try:
            text = await self._thread.ask(make_report)
        except django.db.Error as error:
            log.warning("a report is left out: %s", first_line(error))
        else:
            for follower in followers:
                follower.put(text)


def make_report() -> str:
    """Return the report on all birds, as a message. In a thread; raises django.db.Error."""
    table.prepare()
    found = ranking.by_node()
    total = sum(birds for _, birds in found)
    shares = [
        Share(node.pk, node.name, birds, round(100 * birds / total, 2)) for node, birds in found
    ]
    return Report(total, shares).encode()
