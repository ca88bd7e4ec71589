"""The birds that were read last, for all who are to be told them too.

Many programs come again at once, when the web server restarts, and each has missed about the same.
So what one of them had read, or the reader of the news, is kept for a while, and the others are
told it from here: they run together from then on, and however many they are, the table is read
once. Only so do all of them catch up while more birds come than each of them could read alone.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import NamedTuple

from birdwatcher.feed.cursor import Gone
from birdwatcher.feed.messages import Sighting

MOST_BIRDS = 20_000  # some 10 MB
KEPT_FOR = 60.0  # seconds: names may change, and deletions that are to be told are forgotten
MOST_STRETCHES = 400  # as so many are searched for each piece that somebody is told


class Stretch(NamedTuple):
    """All birds with keys above `since` and up to `until`.

    As the table was when every deletion up to `gone` was done. Whoever is told these birds later
    has to be told, after them, every deletion behind `gone`.
    """

    since: int
    until: int
    birds: Sequence[Sighting]
    gone: Gone
    read_at: float  # monotonic, or somewhat before


class Recent:
    """What was read last, the newest at the end; for many threads."""

    def __init__(self, most_birds: int = MOST_BIRDS) -> None:
        """`most_birds` is the bound of what is kept."""
        self.most_birds = most_birds
        self._lock = threading.Lock()
        self._stretches: tuple[Stretch, ...] = ()  # never changed, but replaced
        self._news: int | None = None

    def add(self, stretch: Stretch) -> None:
        """Keep `stretch`, and forget the oldest for it."""
        with self._lock:
            kept = [it for it in (*self._stretches, stretch) if _is_recent(it)][-MOST_STRETCHES:]
            count = sum(len(it.birds) for it in kept)
            while count > self.most_birds:
                count -= len(kept.pop(0).birds)
            self._stretches = tuple(kept)

    def behind(self, key: int) -> Stretch | None:
        """Return a stretch in which there is what comes next behind `key`, if one is kept."""
        stretches = reversed(self._stretches)
        fitting = (it for it in stretches if it.since <= key < it.until and _is_recent(it))
        return next(fitting, None)

    def news_at(self, key: int) -> None:
        """Note how far the reader of the news is."""
        self._news = key

    def forget(self) -> None:
        """Keep nothing, as nobody reads the news any more."""
        with self._lock:
            self._stretches, self._news = (), None

    def is_near(self, key: int) -> bool:
        """Whether not much more than what is kept is missing from `key` on to the news."""
        return self._news is not None and self._news - key <= self.most_birds


def _is_recent(stretch: Stretch) -> bool:
    return time.monotonic() - stretch.read_at < KEPT_FOR
