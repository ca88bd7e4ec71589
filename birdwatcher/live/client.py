"""One who follows the birds, and what waits to be told to them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from birdwatcher.live import messages
from birdwatcher.live.messages import Sighting
from birdwatcher.live.table import Wanted

WAITING = 100  # messages; with birds at their most frequent, a few seconds of them


@dataclass(frozen=True)
class Gap:
    """The birds behind the key `since`, up to `until`, that one client is yet to be told."""

    since: int
    until: int


class Delivery:
    """Birds that come next in the table, as a message to each who wants some of them.

    A message is made once, however many want the same.
    """

    def __init__(self, birds: Sequence[Sighting]) -> None:
        self._birds = birds
        self._texts: dict[Wanted, str | None] = {}

    def text(self, wanted: Wanted) -> str | None:
        """Return the message with those that are wanted, None if there are none."""
        if wanted not in self._texts:
            taken = [bird for bird in self._birds if wanted.takes(bird)]
            self._texts[wanted] = messages.birds(taken) if taken else None
        return self._texts[wanted]

    def behind(self, key: int) -> Delivery:
        """Return the same without birds up to `key`."""
        if key < self._birds[0].id:
            return self
        return Delivery([bird for bird in self._birds if bird.id > key])


class Client:
    """What waits for one client, in the order in which it is to be told.

    All of it happens in one event loop. Whoever takes too little loses their place: `too_slow` is
    set then, and nothing more is kept for them.
    """

    def __init__(self, wanted: Wanted, since: int | None, waiting: int = WAITING) -> None:
        """`since`: the highest key that was seen, by somebody who has followed before."""
        self.wanted = wanted
        self.since = since
        self.too_slow = asyncio.Event()
        self._queue: asyncio.Queue[str | Gap] = asyncio.Queue(waiting)

    async def next(self) -> str | Gap:
        """Return what is to be told next, once there is something."""
        return await self._queue.get()

    def begin(self, position: int, newest: int) -> None:
        """Follow the table from the key `position` on; `newest` is the highest there is."""
        if self.since is None or self.since > newest:  # that was in another database
            self.since = position
        elif self.since < position:
            self.put(Gap(self.since, position))
            self.since = position
        # Otherwise another web process, which is ahead of this one, told some of what comes next.

    def offer(self, delivery: Delivery) -> None:
        """Tell what is wanted of the birds that come next."""
        assert self.since is not None  # noqa: S101 for the type checker
        if text := delivery.behind(self.since).text(self.wanted):
            self.put(text)

    def live_at(self, position: int) -> None:
        """Tell that all is well, and every bird up to the key `position` was told, or a later one
        if it was told of that before: it would come again with the key, and be told that twice."""
        assert self.since is not None  # noqa: S101 for the type checker
        self.put(messages.heartbeat(max(self.since, position)))

    def put(self, item: str | Gap) -> None:
        """Have `item` told after all that waits."""
        if self.too_slow.is_set():
            return
        try:
            self._queue.put_nowait(item)
        except asyncio.QueueFull:
            self.too_slow.set()
