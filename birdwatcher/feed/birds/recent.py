"""The birds that were read last, for every program that needs them next.

When the web server restarts, many programs reconnect at once, and each has missed about the same.
So what one of them reads, or the reader of the news, is kept for a while, and the others take it
from here: the table is read once, however many programs there are. Otherwise they could not catch
up while more birds arrive than each of them can read alone.
"""

import threading
import time
from collections.abc import Sequence
from typing import NamedTuple

from birdwatcher.feed.birds.messages import Sighting
from birdwatcher.feed.cursor import DeletionCursor

MOST_BIRDS = 20_000  # some 10 MB
KEPT_FOR = 60.0  # seconds: names may change, and unsent deletions are forgotten in the end
MOST_STRETCHES = 400  # all are searched for each piece that a program needs


class Stretch(NamedTuple):
    """All birds with keys above `since` and up to `until`.

    They are as the table was after every deletion up to `deletions`. A follower that gets them
    later must then get every deletion after `deletions`.
    """

    since: int
    until: int
    birds: Sequence[Sighting]
    deletions: DeletionCursor
    read_at: float  # monotonic, or somewhat before


class Recent:
    """What was read last, the newest at the end; safe for many threads."""

    def __init__(self, most_birds: int = MOST_BIRDS) -> None:
        """`most_birds`: keep at most this many birds."""
        self.most_birds = most_birds
        self._lock = threading.Lock()
        self._stretches: tuple[Stretch, ...] = ()  # replaced as a whole: read without the lock
        self._news: int | None = None

    def add(self, stretch: Stretch) -> None:
        """Keep `stretch`, and forget the oldest ones."""
        with self._lock:
            kept = [it for it in (*self._stretches, stretch) if _is_recent(it)][-MOST_STRETCHES:]
            count = sum(len(it.birds) for it in kept)
            while count > self.most_birds:
                count -= len(kept.pop(0).birds)
            self._stretches = tuple(kept)

    def after(self, key: int) -> Stretch | None:
        """Return a stretch with what comes next after `key`, if one is kept."""
        stretches = reversed(self._stretches)
        fitting = (it for it in stretches if it.since <= key < it.until and _is_recent(it))
        return next(fitting, None)

    def news_at(self, key: int) -> None:
        """Note how far the reader of the news has come."""
        self._news = key

    def forget(self) -> None:
        """Forget everything: the reader of the news has ended."""
        with self._lock:
            self._stretches, self._news = (), None

    def is_near(self, key: int) -> bool:
        """Whether the news are not much further than `most_birds` after `key`."""
        return self._news is not None and self._news - key <= self.most_birds


def _is_recent(stretch: Stretch) -> bool:
    return time.monotonic() - stretch.read_at < KEPT_FOR
