"""One connection from the node's end: what was sent over it, and what of it was provably read.

An event counts as received when the node process has read its last byte, and only the daemon's
system knows how far that is. It is asked several times a second (`Connection.observe`): of the
bytes handed to the system here, those not yet acknowledged by the other end and those waiting in
its receive buffer are not read; all others are. The order of the three readings matters: a byte
that moves on between two of them is then counted twice as on its way and never as read. So `read`
is a lower bound that is at most one observation old.

When the daemon closes the connection in good order, the bound is exact: a system that closes a
socket with unread bytes in it resets the connection, and acknowledges nothing after it has closed.
So whatever is acknowledged when the end of the stream arrives has been read. When the connection
ends in a reset, the last observation stands: what was sent after it may be received or not, and the
books accept both, as long as it is a prefix of what was sent.
"""

import bisect
import contextlib
import enum
import socket
import time
from array import array
from collections import deque

from tests.chaos import queues
from tests.chaos.events import is_garbage

# How many observations are remembered, to tell what was read some seconds ago.
OBSERVATIONS = 200

# What was read so many seconds before its reader was killed must not be lost: by then it has been
# sent up the pipe, or, if nobody takes it there, spooled.
LAST_INSTANTS = 3.0


class Ending(enum.Enum):
    """How a connection ended, or that it has not."""

    OPEN = enum.auto()
    CLOSED = enum.auto()  # by the daemon, in good order
    BROKEN = enum.auto()  # reset, by whichever side; or given up


class Connection:
    """One connection and the packets sent over it, in their order."""

    def __init__(self, accepted: socket.socket) -> None:
        """Take over an accepted connection."""
        accepted.setblocking(False)
        self.socket = accepted
        self.ending = Ending.OPEN
        self.handed = 0  # bytes handed to the system
        self.read = 0  # bytes that the daemon has read, at the least
        self.certain: int | None = None  # packets; see `doom`
        self.killed_by: int | None = None  # the label of what killed its reader; see `doom`
        self._ended_at: float | None = None  # monotonic
        self.serials = array("q")
        self._labels = array("H")
        self._behind = array("q")  # for each packet: the bytes up to its end
        self._pending = bytearray()
        self._ends = queues.ends_of(accepted)
        self._observed: deque[tuple[float, int]] = deque(maxlen=OBSERVATIONS)

    def __len__(self) -> int:
        """How many packets were handed to the system, whole."""
        return self.packets_within(self.handed)

    def packets_within(self, count: int) -> int:
        """Return how many packets end within the first `count` bytes."""
        return bisect.bisect_right(self._behind, count)

    def label(self, index: int) -> int:
        """Return what the packet at `index` was labelled with."""
        return self._labels[index]

    # Sending

    def add(self, serial: int, packet: bytes, label: int) -> None:
        """Have one more packet sent; `label` says under which circumstances."""
        self._pending += packet
        before = self._behind[-1] if self._behind else 0
        self.serials.append(serial)
        self._behind.append(before + len(packet))
        self._labels.append(label)

    @property
    def pending(self) -> int:
        """How many bytes are not yet handed to the system."""
        return len(self._pending)

    def push(self, *, leave: int = 0) -> bool:
        """Hand the system what it takes, all but the last `leave` bytes; return whether that was
        all. Raises OSError when the connection is broken."""
        while (count := len(self._pending) - leave) > 0:
            try:
                sent = self.socket.send(memoryview(self._pending)[:count])
            except BlockingIOError:
                return False
            self.handed += sent
            del self._pending[:sent]
        return True

    # Observing

    def acknowledged(self) -> int:
        """Return how many bytes the other end's system has acknowledged: the first half of an
        observation."""
        return self.handed - queues.unacknowledged(self.socket)

    def observe(self, acknowledged: int, unread: dict[queues.Ends, int]) -> None:
        """Note what was read: `acknowledged` and then `unread` were asked for, in
        this order."""
        if self._ends in unread:
            self.read = max(self.read, acknowledged - unread[self._ends])
            self._observed.append((time.monotonic(), self.read))

    @property
    def all_read(self) -> bool:
        """Whether the daemon has read everything."""
        return not self._pending and self.read == self.handed

    @property
    def owed(self) -> int:
        """How many of the first packets must not be lost."""
        read = self.packets_within(self.read)
        return read if self.certain is None else min(read, self.certain)

    def due(self) -> int:
        """Return how many events must be in the database in the end, at the least."""
        return sum(not is_garbage(serial) for serial in self.serials[: self.owed])

    def doom(self, label: int, seconds: float) -> None:
        """Its reader is about to be killed: what it had read `seconds` ago must not be lost.

        A loss of what came later is put down to `label`. The connection may have ended meanwhile,
        and its reader still hold what came of it; if it ended longer ago, or with another reader
        that was killed, nothing is lost of it.
        """
        if self._ended_at is not None and (
            self.certain is not None or self._ended_at < time.monotonic() - seconds
        ):
            return
        before = [read for at, read in self._observed if at <= time.monotonic() - seconds]
        self.certain = self.packets_within(before[-1] if before else 0)
        self.killed_by = label

    # Ending

    def ended(self, ending: Ending) -> None:
        """Close this end."""
        if ending is Ending.CLOSED:
            with contextlib.suppress(OSError):
                self.read = max(self.read, self.acknowledged())
        self.ending = ending
        self._ended_at = time.monotonic()
        self._pending.clear()
        self.socket.close()

    def finish(self) -> None:
        """Say that no more comes; what is on its way arrives. The daemon will close its end."""
        self.socket.shutdown(socket.SHUT_WR)
