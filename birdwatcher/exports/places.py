"""The places for exports: how many files are sent at a time."""

import threading
from collections import Counter
from collections.abc import Hashable

AT_ONCE = 8  # files that one process of the web UI sends
OF_EACH = 2  # of one user or address, in all processes together


class TooManyError(Exception):
    """The user or address has as many exports under way as allowed."""


class BusyError(Exception):
    """This process sends as many files as allowed."""


class Places:
    """The files that this process sends, counted by their owners.

    The database counts the exports of an owner in all processes, but only those that have made
    progress lately: a client that reads slowly must not have more here, either.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._taken: Counter[Hashable] = Counter()

    def take(self, owner: Hashable) -> None:
        """Take a place. Raises TooManyError, BusyError."""
        with self._lock:
            if self._taken[owner] >= OF_EACH:
                raise TooManyError
            if self._taken.total() >= AT_ONCE:
                raise BusyError
            self._taken[owner] += 1

    def give_back(self, owner: Hashable) -> None:
        """Give a place back."""
        with self._lock:
            self._taken[owner] -= 1
            self._taken += Counter()  # without those at zero
