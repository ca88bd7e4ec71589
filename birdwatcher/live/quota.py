"""A quota of connections for each user, token or address, so that none takes all."""

import contextlib
import enum
from collections import Counter
from collections.abc import Iterator

MOST = 1000  # of one process
FOR_PAGES = 250  # of these, which no program gets


class Kind(enum.IntEnum):
    """The kind of client; its value is the quota of each token, user or address."""

    # A person has some pages open, and a whole office may share one address.
    PAGE = 100
    PROGRAM = 10


class FullError(Exception):
    """The process has all the connections that it may have."""


class TooManyError(Exception):
    """A token, user or address has all the connections that it may have."""


class ConnectionQuota:
    """The connections of one process; to be used in one event loop."""

    def __init__(self) -> None:
        self._open: Counter[tuple[str, Kind]] = Counter()

    @property
    def count(self) -> int:
        """The number of open connections."""
        return self._open.total()

    @contextlib.contextmanager
    def taken(self, who: str, kind: Kind) -> Iterator[None]:
        """Count a connection inside the block. Raises FullError, TooManyError."""
        programs = sum(n for (_, other), n in self._open.items() if other is Kind.PROGRAM)
        if self.count >= MOST or (kind is Kind.PROGRAM and programs >= MOST - FOR_PAGES):
            raise FullError
        if self._open[who, kind] >= kind:
            raise TooManyError
        self._open[who, kind] += 1
        try:
            yield
        finally:
            self._open[who, kind] -= 1
            if not self._open[who, kind]:
                del self._open[who, kind]
