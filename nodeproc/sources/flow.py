"""How fast a source takes from its device: a token bucket, and the other reasons to wait.

A source that waits reads nothing, so that TCP, or what stands for it, holds the device back. What
was read has been received: it is never dropped, and may put the bucket into debt.
"""

import asyncio
import logging
import time
from collections.abc import Callable

from nodeproc.logs.fold import Fold

BURST = 10.0  # seconds' worth that a device may send at once after a quiet time
PORTION = 0.1  # seconds' worth that is waited for: at most ten reads a second at the limit
PRICE = 1024  # bytes that cost as much as one event
# Seconds below its limit before a device no longer counts as limited. A device at its limit waits
# several times a second, and each change of its state is a row in its history.
CALM = 60.0

Later = Callable[[float, Callable[[], None]], asyncio.TimerHandle]


class Bucket:
    """A token bucket: `rate` tokens a second, and `BURST` seconds' worth at most. Pure."""

    def __init__(self, rate: float, now: float) -> None:
        """Begin full; `now` in monotonic seconds, as everywhere."""
        self._rate = rate
        self._tokens = rate * BURST
        self._at = now

    def take(self, cost: float, now: float) -> float:
        """Take `cost` tokens, into debt if need be; return the seconds to wait, 0 without debt."""
        grown = self._tokens + (now - self._at) * self._rate
        self._tokens = tokens = min(grown, self._rate * BURST) - cost
        self._at = now
        return 0.0 if tokens >= 0 else PORTION - tokens / self._rate


class Flow:
    """Decides whether a source reads, and whether its device counts as limited.

    `changed()` is called whenever `is_open` or `why` may have changed.
    """

    def __init__(
        self,
        rate: int,
        changed: Callable[[], None],
        fold: Fold,
        later: Later,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`rate`: events a second; `fold` logs; `later`: the loop's `call_later`."""
        self._changed = changed
        self._fold = fold
        self._later = later
        self._clock = clock
        self.rate = rate
        self._bucket = Bucket(rate, clock())
        self._waiting: asyncio.TimerHandle | None = None
        self._calming: asyncio.TimerHandle | None = None
        self._limited_at: float | None = None  # when it last had to wait for the bucket
        self._is_held = False
        self._halted = ""  # why

    @property
    def is_open(self) -> bool:
        """Whether to read."""
        return not (self._is_held or self._waiting or self._halted)

    @property
    def why(self) -> str:
        """Why less is read than the device sends; empty if all is read."""
        if self._halted or self._limited_at is None:
            return self._halted
        return self._excess

    @property
    def _excess(self) -> str:
        return f"sends more than {self.rate:,} events/s, and has to wait"

    def took(self, packets: int, size: int) -> None:
        """Account for one read: `packets` are in it, `size` is its size in bytes."""
        now = self._clock()
        if wait := self._bucket.take(max(packets, size // PRICE), now):
            self._wait(wait, now)

    def hold(self) -> None:
        """Read nothing for now. Repeating it does no harm, and costs next to nothing."""
        if not self._is_held:
            self._is_held = True
            self._changed()

    def go_on(self) -> None:
        """End a `hold`."""
        if self._is_held:
            self._is_held = False
            self._changed()

    def halt(self, why: str) -> None:
        """Read nothing, for a reason that is shown; with an empty one, read again."""
        if why != self._halted:
            self._halted = why
            self._changed()

    def limit(self, rate: int) -> None:
        """Keep to another rate from now on, beginning with a full bucket."""
        if rate == self.rate:
            return
        self.rate, self._bucket = rate, Bucket(rate, self._clock())
        self._limited_at = None
        self._stop_waiting()
        self._changed()

    def _wait(self, seconds: float, now: float) -> None:
        self._stop_waiting()
        self._waiting = self._later(seconds, self._waited)
        if self._limited_at is None:
            self._fold(logging.WARNING, "limited", self._excess)
        if self._calming is None:
            self._calming = self._later(CALM, self._check_calm)
        self._limited_at = now
        self._changed()

    def _stop_waiting(self) -> None:
        if self._waiting:
            self._waiting.cancel()
            self._waiting = None

    def _waited(self) -> None:
        self._waiting = None
        self._changed()

    def _check_calm(self) -> None:
        """End the limited state if there was no wait for long."""
        self._calming = None
        if self._limited_at is None:
            return
        left = self._limited_at + CALM - self._clock()
        if left > 0 or self._waiting:
            self._calming = self._later(max(left, 1.0), self._check_calm)
            return
        self._limited_at = None
        self._fold(logging.INFO, "not limited", f"sends {self.rate:,} events/s or less again")
        self._changed()
