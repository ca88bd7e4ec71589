"""What a node process counts and measures, for the supervisor to read at any time."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

from nodeproc.numbers.shared import MICRO, Arena, shared_numbers
from nodeproc.wire.messages import Batch


class Counts(NamedTuple):
    """The numbers of one node. The first four only grow, over all processes of the node."""

    events: int = 0  # received
    rejected: int = 0  # packets
    connections: int = 0  # made
    bytes: int = 0  # read from its sockets
    retained: int = 0  # events in the process's memory, not yet committed
    retained_bytes: int = 0
    spooled: int = 0  # events in the spool, as far as not yet committed
    spooled_bytes: int = 0  # size of the spool
    oldest: int = 0  # when the oldest event not committed was received: µs since 1970; 0 without


GROWING = 4
EVENTS, REJECTED, CONNECTIONS, BYTES, RETAINED, RETAINED_BYTES, SPOOLED, SPOOLED_BYTES, OLDEST = (
    range(len(Counts._fields))
)


class Waits(Protocol):
    """What is received and not committed, as `nodeproc.delivery.outbox.Outbox` counts it."""

    size: int
    events: int

    @property
    def spooled_events(self) -> int:
        """Events in the spool."""

    @property
    def spooled_bytes(self) -> int:
        """Size of the spool."""

    @property
    def oldest(self) -> float | None:
        """When the oldest event was received: seconds since the epoch."""


class NodeNumbers:
    """The numbers of one node: its process writes them, the supervisor reads them."""

    def __init__(self, numbers: "memoryview[int] | None" = None) -> None:
        """`numbers`: its slot of an arena; without one it has memory of its own.

        To be made before the fork.
        """
        self._numbers = shared_numbers(len(Counts._fields)) if numbers is None else numbers

    def read(self) -> Counts:
        """Return the numbers of this moment."""
        return Counts(*self._numbers.tolist())

    def connected(self) -> None:
        """Count a connection."""
        self._numbers[CONNECTIONS] += 1

    def received(self, count: int, batch: Batch | None) -> None:
        """Count what one read yielded: `count` bytes, and perhaps a batch."""
        numbers = self._numbers
        numbers[BYTES] += count
        if batch:
            numbers[EVENTS] += len(batch.events)
            if batch.rejected:
                numbers[REJECTED] += batch.rejected

    def measure(self, waits: Waits) -> None:
        """Show what waits."""
        numbers = self._numbers
        numbers[RETAINED], numbers[RETAINED_BYTES] = waits.events, waits.size
        numbers[SPOOLED], numbers[SPOOLED_BYTES] = waits.spooled_events, waits.spooled_bytes
        numbers[OLDEST] = round((waits.oldest or 0.0) * MICRO)

    def give_back_to(self, arena: Arena) -> None:
        """Give the slot back: the node is gone, and so are its processes. For the supervisor."""
        arena.give_back(self._numbers)

    def process_ended(self) -> None:
        """Count nothing in memory: it is in the spool now, or lost. For the supervisor."""
        self._numbers[RETAINED] = self._numbers[RETAINED_BYTES] = 0
        if not self._numbers[SPOOLED]:
            self._numbers[OLDEST] = 0


class FleetNumbers:
    """The numbers of all nodes, side by side."""

    def __init__(self) -> None:
        """To be made before the first fork."""
        self._arena = Arena(len(Counts._fields))

    def take(self) -> NodeNumbers:
        """Return the numbers of a new node, all 0."""
        return NodeNumbers(self._arena.take())

    def give_back(self, numbers: NodeNumbers) -> None:
        """Let a later node have the numbers of one that is gone, and whose processes are dead."""
        numbers.give_back_to(self._arena)

    def total(self) -> Counts:
        """Return the sum of the numbers of all nodes."""
        return together(self._arena.columns())


def together(columns: Iterable[Sequence[int]]) -> Counts:
    """Return the counts of several nodes together, given field by field: the sum of each, and the
    oldest of all."""
    *added, oldest = columns
    return Counts(*map(sum, added))._replace(oldest=min(filter(None, oldest), default=0))
