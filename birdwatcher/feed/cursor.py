"""How far a follower has read: rows by their key, deletions by the order of their commits."""

from __future__ import annotations

import re
from typing import NamedTuple, Self

from birdwatcher.common.keys import BIGGEST_KEY
from birdwatcher.feed.models import Deletion

_TOKEN = re.compile(r"([0-9]{1,19})\.([0-9]{1,19})\.([0-9]{1,12})", re.ASCII)


class DeletionCursor(NamedTuple):
    """A position among the deletions: every deletion up to it, in this order, was sent."""

    xact: int
    key: int


class Cursor(NamedTuple):
    """Every row up to `key` was sent, and every deletion up to `deletions`."""

    key: int
    deletions: DeletionCursor

    def or_later(self, other: Cursor) -> Cursor:
        """Return the later of both, for rows and for deletions."""
        return Cursor(max(self.key, other.key), max(self.deletions, other.deletions))


class DeletionToken(NamedTuple):
    """What a program stores between two connections: a cursor, and when it was reached (Unix)."""

    cursor: DeletionCursor
    at: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse what `str` returns. Raises ValueError."""
        found = _TOKEN.fullmatch(text)
        if found is None:
            raise ValueError(text)
        xact, key, at = map(int, found.groups())
        if max(xact, key) > BIGGEST_KEY:
            raise ValueError(text)
        return cls(DeletionCursor(xact, key), at)

    def __str__(self) -> str:
        return f"{self.cursor.xact}.{self.cursor.key}.{self.at}"

    def is_old(self, now: float) -> bool:
        """Whether later deletions may have been forgotten by `now`, in Unix time."""
        return now - self.at > Deletion.PROMISED_FOR.total_seconds()
