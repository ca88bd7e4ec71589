"""Waits for SIGINT, SIGTERM and SIGHUP, and for processes, at the same time."""

import os
import select
import signal
import time
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# One request to end may arrive as several signals: to the process, to its group, and from a
# terminal that closes.
SAME_REQUEST = 0.3  # seconds


class Interrupts:
    """Counts the requests to end the demonstration. One for each process, in its main thread.

    The handler only counts: an exception in a handler could interrupt any line, also of the clean-
    up. Python itself writes a byte to the wake-up descriptor, which ends a wait, also if the signal
    arrives just before the wait.
    """

    def __init__(self) -> None:
        self.count = 0
        self._last = -SAME_REQUEST
        self._reading, writing = os.pipe()
        for descriptor in (self._reading, writing):
            os.set_blocking(descriptor, False)
        signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
        for signum in SIGNALS:
            signal.signal(signum, self._note)

    def _note(self, _signum: int, _frame: FrameType | None) -> None:
        now = time.monotonic()
        if now - self._last >= SAME_REQUEST:
            self.count += 1
            self._last = now

    @property
    def impatient(self) -> bool:
        """Whether there was more than one request."""
        return self.count > 1

    def close(self) -> None:
        """Ignore further signals, while Python ends."""
        for signum in SIGNALS:
            signal.signal(signum, signal.SIG_IGN)

    def wait(self, seconds: float, *descriptors: int) -> None:
        """Wait at most `seconds` for a signal, or for a descriptor that can be read."""
        ready, _, _ = select.select((self._reading, *descriptors), (), (), max(seconds, 0))
        if self._reading in ready:
            os.read(self._reading, 512)
