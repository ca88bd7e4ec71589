"""How far somebody has followed: birds by their key, deletions by their order of commit."""

from __future__ import annotations

import re
from typing import NamedTuple, Self

from birdwatcher.common.keys import BIGGEST_KEY
from birdwatcher.feed.models import Deletion

_TEXT = re.compile(r"([0-9]{1,19})\.([0-9]{1,19})\.([0-9]{1,12})", re.ASCII)


class Gone(NamedTuple):
    """A place among the deletions: every one up to it, in this order, was told."""

    xact: int
    key: int

    def text(self, now: float) -> str:
        """Return it as programs keep it, and come again with it; `now` is in Unix time."""
        return f"{self.xact}.{self.key}.{int(now)}"


class Place(NamedTuple):
    """Every bird up to the key `birds` was told, and every deletion up to `gone`."""

    birds: int
    gone: Gone

    def or_later(self, other: Place) -> Place:
        """Return the later of both, in either respect."""
        return Place(max(self.birds, other.birds), max(self.gone, other.gone))


class Kept(NamedTuple):
    """What `Gone.text` says: a place, and when it was reached, in Unix time."""

    gone: Gone
    at: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read it. Raises ValueError."""
        found = _TEXT.fullmatch(text)
        if found is None:
            raise ValueError(text)
        xact, key, at = map(int, found.groups())
        if max(xact, key) > BIGGEST_KEY:
            raise ValueError(text)
        return cls(Gone(xact, key), at)

    def is_old(self, now: float) -> bool:
        """Whether deletions that came after it may have been forgotten by `now`, in Unix time."""
        return now - self.at > Deletion.PROMISED_FOR.total_seconds()
