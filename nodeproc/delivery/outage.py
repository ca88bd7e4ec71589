"""A time in which nothing is committed, for the line that says that it is over."""

import time

from nodeproc.delivery.outbox import Outbox


class Outage:
    """Since when something is in the spool, and how many events waited there at most."""

    def __init__(self) -> None:
        self._since: float | None = None  # monotonic
        self._events = 0

    def __bool__(self) -> bool:
        """Whether it has begun."""
        return self._since is not None

    def begin(self) -> None:
        """Begin now, unless it has begun."""
        if self._since is None:
            self._since, self._events = time.monotonic(), 0

    def forget(self) -> None:
        """End it without a word: nothing came into the spool."""
        self._since = None

    def measure(self, outbox: Outbox) -> str | None:
        """Look at what waits; return what to say if it is over, and end it then."""
        if self._since is None:
            return None
        self._events = max(self._events, outbox.spooled_events)
        if outbox.is_spooling:
            return None
        seconds, self._since = time.monotonic() - self._since, None
        return f"committed again after {seconds:.0f} s; up to {self._events} events waited"
