"""Those who follow the birds, pages and programs, and what waits to be told to each."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass

from birdwatcher.feed import messages
from birdwatcher.feed.cursor import Place
from birdwatcher.feed.delivery import Delivery, Removal
from birdwatcher.feed.wanted import Wanted

# With birds at their most frequent, either is a few seconds of them.
WAITING = 100  # messages
WAITING_BYTES = 4 * 1024 * 1024  # of memory, as if it were not shared with others who want the same


@dataclass(frozen=True)
class Gap:
    """What is behind `since`, up to `until`, and one client is yet to be told."""

    since: Place
    until: Place


class Client:
    """What waits for one page, in the order in which it is to be told.

    All of it happens in one event loop. Whoever takes too little loses their place: `too_slow` is
    set then, and nothing more is kept for them.
    """

    hears_all = False  # also of deletions, and reports

    def __init__(self, wanted: Wanted, since: int | None, waiting: int = WAITING) -> None:
        """`since`: the highest key that was seen, by somebody who has followed before."""
        self.wanted = wanted
        self.since = since
        self.too_slow = asyncio.Event()
        self._queue: asyncio.Queue[str | Gap] = asyncio.Queue(waiting)
        self._bytes = 0

    async def next(self) -> str | Gap:
        """Return what is to be told next, once there is something."""
        item = await self._queue.get()
        self._bytes -= sys.getsizeof(item)
        return item

    def begin(self, place: Place, newest: int) -> None:
        """Follow the table from `place` on; `newest` is the highest key there is."""
        if self.since is None or self.since > newest:  # that was in another database
            self.since = place.birds
        elif self.since < place.birds:
            self.put(Gap(place._replace(birds=self.since), place))
            self.since = place.birds
        # Otherwise another web process, which is ahead of this one, told some of what comes next.

    def offer(self, delivery: Delivery) -> None:
        """Tell what is wanted of the birds that come next."""
        assert self.since is not None  # noqa: S101 for the type checker
        if text := delivery.behind(self.since).text(self.wanted):
            self.put(text)

    def remove(self, removal: Removal) -> None:
        """Tell what is wanted of the deletions that come next."""

    def live_at(self, place: Place, as_of: float) -> None:
        """Tell that all is well, and everything up to `place` was told, or up to a later one if it
        was told of that before: it would come again with that, and be told things twice.

        `as_of`: no deletion that is yet to be told came earlier, in Unix time.
        """
        assert self.since is not None  # noqa: S101 for the type checker
        self.put(messages.heartbeat(max(self.since, place.birds)))

    def put(self, item: str | Gap) -> None:
        """Have `item` told after all that waits."""
        if self.too_slow.is_set():
            return
        if self._queue.full() or self._bytes > WAITING_BYTES:
            self.too_slow.set()
            return
        self._bytes += sys.getsizeof(item)
        self._queue.put_nowait(item)


class Program(Client):
    """What waits for one program, which hears of everything and misses nothing."""

    hears_all = True

    def __init__(self, wanted: Wanted, place: Place, waiting: int = WAITING) -> None:
        """`place`: how far it was told."""
        super().__init__(wanted, place.birds, waiting)
        self.place = place

    def begin(self, place: Place, newest: int) -> None:
        """Follow from `place` on, or from a later one if it was told so far before."""
        reached = self.place.or_later(place)
        if reached != self.place:
            self.put(Gap(self.place, reached))
        self.place, self.since = reached, reached.birds

    def remove(self, removal: Removal) -> None:
        """Tell what is wanted of the deletions that come next."""
        for text in removal.behind(self.place.gone).texts(self.wanted):
            self.put(text)

    def live_at(self, place: Place, as_of: float) -> None:
        """Tell that all is well, and how to come again."""
        reached = self.place.or_later(place)
        self.put(messages.heartbeat(reached.birds, reached.gone.text(as_of)))
