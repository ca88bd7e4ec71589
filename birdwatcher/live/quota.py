"""Who may have how many of the places of one web process, so that nobody takes them from others."""

from __future__ import annotations

import contextlib
import enum
from collections import Counter
from collections.abc import Iterator

MOST = 1000  # of one process
FOR_PAGES = 250  # of these, which no program gets


class Kind(enum.IntEnum):
    """What takes a place; the values are how many each token, user or address may have."""

    # A person has some pages open, and behind one address may be a whole office.
    PAGE = 100
    PROGRAM = 10


class FullError(Exception):
    """There are as many clients as one process may have."""


class TooManyError(Exception):
    """There are as many clients as one token, user or address may have."""


class Places:
    """The places of one process; to be used in one event loop."""

    def __init__(self) -> None:
        self._taken: Counter[tuple[str, Kind]] = Counter()
        self._programs = 0

    @property
    def count(self) -> int:
        """How many are taken."""
        return self._taken.total()

    @contextlib.contextmanager
    def taken(self, who: str, kind: Kind) -> Iterator[None]:
        """Have a place. Raises FullError, TooManyError."""
        is_program = kind is Kind.PROGRAM
        if self.count >= MOST or (is_program and self._programs >= MOST - FOR_PAGES):
            raise FullError
        if self._taken[who, kind] >= kind:
            raise TooManyError
        self._taken[who, kind] += 1
        self._programs += is_program
        try:
            yield
        finally:
            self._programs -= is_program
            self._taken[who, kind] -= 1
            if not self._taken[who, kind]:
                del self._taken[who, kind]
