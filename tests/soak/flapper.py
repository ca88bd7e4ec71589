"""A node that comes and goes, in every way that a node can."""

import contextlib
import random
from collections.abc import Callable

from birdwatcher.simulator import garbage
from birdwatcher.simulator.events import EventSource
from tests.support.fieldnode import FieldNode
from tests.support.packets import framed, packet

HOLDS = (0.02, 0.3)  # seconds that a connection is held, or the port closed, in ways that take time
EVENTS = 3  # valid packets at once
GARBAGE = 30  # more than are kept of one read


class Flapper(FieldNode):
    """Accepts a connection, does something to it, ends it: that is one cycle."""

    def __init__(self, port: int, seed: int, *, only_close: bool = False) -> None:
        """`only_close`: close every connection at once, the quickest cycle there is."""
        super().__init__(port)
        self.cycles = 0
        self.due: float | None = None  # when what it is doing ends, monotonic seconds
        self._random = random.Random(seed)  # noqa: S311
        self._source = EventSource(self._random)
        self._calm = False
        self._ways: list[Callable[[], bool]] = [self._close]
        if not only_close:
            self._ways += [
                self._close, self._reset, self._send_events, self._send_garbage,
                self._send_a_length, self._send_half, self._hold, self._stall, self._refuse,
            ]  # fmt: skip

    def fileno(self) -> int:
        """Return what becomes readable when somebody connects; -1 while it refuses."""
        return self.listening[0].fileno() if self.listening else -1

    def move(self, port: int) -> None:
        """Listen on another port; the connection that is up stays up, for a while."""
        self.refuse()
        self.port = port
        self.listen()

    def calm_down(self) -> None:
        """From now on keep the next connection."""
        self._calm = True

    def go_on(self) -> None:
        """From now on flap again."""
        self._calm = False

    def turn(self, now: float) -> None:
        """Do what is to be done at `now`."""
        if self.due is not None:
            if now >= self.due:
                self._end()
            return
        if self._calm or not self.connections():
            return
        with contextlib.suppress(OSError, AssertionError):  # the daemon was quicker to end it
            if self._random.choice(self._ways)():
                self.due = now + self._random.uniform(*HOLDS)
                return
        self._end()

    def _end(self) -> None:
        """End the cycle."""
        self.due = None
        self.cycles += 1
        self.sent.clear()
        self.drop()
        if self.fileno() < 0:
            self.listen()

    # The ways; each returns whether it takes time.

    def _close(self) -> bool:
        return False

    def _reset(self) -> bool:
        self.reset()
        return False

    def _send_events(self) -> bool:
        self.send(EVENTS)
        return False

    def _send_garbage(self) -> bool:
        event = self._source.next()
        self.send_raw(framed(garbage.malformed(self._random, event) for _ in range(GARBAGE)))
        return False

    def _send_a_length(self) -> bool:
        """Whatever speaks another protocol on this port sends a different one each time."""
        self.send_raw(self._random.randbytes(4))
        return False

    def _send_half(self) -> bool:
        whole = packet(self._source.next().payload())
        self.send_raw(whole[: self._random.randrange(1, len(whole))])
        return False

    def _hold(self) -> bool:
        return True

    def _stall(self) -> bool:
        self._send_half()
        return True

    def _refuse(self) -> bool:
        self.drop()
        self.refuse()
        return True
