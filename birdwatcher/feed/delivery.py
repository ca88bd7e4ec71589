"""What is new, as messages to each who wants some of it.

A message is made once, however many want the same.
"""

from __future__ import annotations

from collections.abc import Sequence

from birdwatcher.feed import deletions, messages
from birdwatcher.feed.cursor import Gone
from birdwatcher.feed.deletions import Deleted
from birdwatcher.feed.messages import Sighting
from birdwatcher.feed.table import AT_ONCE
from birdwatcher.feed.wanted import Wanted


class Delivery:
    """Birds that come next in the table."""

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


class Removal:
    """Deletions that come next."""

    def __init__(self, deleted: Sequence[Deleted]) -> None:
        self._deleted = deleted
        self._texts: dict[Wanted, Sequence[str]] = {}

    def texts(self, wanted: Wanted) -> Sequence[str]:
        """Return the messages with those that are wanted."""
        if wanted not in self._texts:
            pieces = deletions.pieces(self._deleted, wanted, AT_ONCE)
            self._texts[wanted] = [messages.deleted(ids, up_to) for ids, up_to in pieces]
        return self._texts[wanted]

    def behind(self, place: Gone) -> Removal:
        """Return the same without deletions up to `place`."""
        if place < self._deleted[0].place:
            return self
        return Removal([it for it in self._deleted if it.place > place])
