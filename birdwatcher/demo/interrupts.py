"""SIGINT, SIGTERM and SIGHUP as something that can be waited for, together with processes."""

import os
import select
import signal
import time
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# One wish to end may arrive as several signals: to the process, to its group, from a terminal that
# closes.
ONE_WISH = 0.3  # seconds


class Interrupts:
    """Counts how often the demonstration was asked to end. One a process, in its main thread.

    The handler does no more than count: an exception raised in a handler could hit any line, also
    one of those that clean up. What wakes a waiting program is the byte that Python itself writes
    to the wake-up descriptor, also for a signal that arrives just before the wait.
    """

    def __init__(self) -> None:
        self.count = 0
        self._last = -ONE_WISH
        self._reading, writing = os.pipe()
        for descriptor in (self._reading, writing):
            os.set_blocking(descriptor, False)
        signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
        for signum in SIGNALS:
            signal.signal(signum, self._note)

    def _note(self, _signum: int, _frame: FrameType | None) -> None:
        now = time.monotonic()
        if now - self._last >= ONE_WISH:
            self.count += 1
            self._last = now

    @property
    def impatient(self) -> bool:
        """Whether the user has asked more than once."""
        return self.count > 1

    def close(self) -> None:
        """Pay no attention any more: what is left is Python's own end, not to be disturbed."""
        for signum in SIGNALS:
            signal.signal(signum, signal.SIG_IGN)

    def wait(self, seconds: float, *descriptors: int) -> None:
        """Wait for a signal or until a descriptor can be read, at most so many `seconds`."""
        ready, _, _ = select.select((self._reading, *descriptors), (), (), max(seconds, 0))
        if self._reading in ready:
            os.read(self._reading, 512)
