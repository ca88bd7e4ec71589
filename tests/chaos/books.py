"""The books: what every node sent and the daemon received, against what the database holds.

For every connection the committed events must be a prefix of those sent, with no hole in it, and at
least as long as what was provably read (see `connection`). That prefix is what was *received*. What
is missing from it is *lost*; what was sent after it and ended with its connection is *unread*.
"""

import dataclasses
from collections import Counter
from collections.abc import Iterable, Sequence

from tests.chaos.connection import Connection, Ending
from tests.chaos.detector import Detector
from tests.chaos.events import is_garbage, serial_of, sighting
from tests.support.packets import Sighting

SHOWN = 20  # complaints in full
NAME_WIDTH, WIDTH = 40, 10
COLUMNS = ("times", "sent", "unread", "received", "rejected", "committed", "lost", "doubled")


@dataclasses.dataclass
class Tally:
    """The packets sent under one label, and what became of them."""

    name: str
    times: int = 0
    sent: int = 0
    unread: int = 0
    received: int = 0
    rejected: int = 0
    committed: int = 0
    lost: int = 0
    doubled: int = 0

    def line(self) -> str:
        """Return the row of the table."""
        numbers = (f"{getattr(self, column):>{WIDTH}}" for column in COLUMNS)
        return f"{self.name:<{NAME_WIDTH}}" + "".join(numbers)


@dataclasses.dataclass(frozen=True)
class Counts:
    """What the database itself counts of one node."""

    events: int
    rejected: int


class Books:
    """Balanced node by node; afterwards `complaints` is empty, or something is wrong."""

    def __init__(self, tallies: Sequence[Tally]) -> None:
        """`tallies`: one a label, in the order of the labels."""
        self.tallies = tallies
        self._complaints: list[str] = []
        self._more = 0

    @property
    def complaints(self) -> list[str]:
        """What does not balance, the first few in full."""
        return self._complaints + ([f"and {self._more} more"] if self._more else [])

    def _complain(self, text: str) -> None:
        if len(self._complaints) < SHOWN:
            self._complaints.append(text)
        else:
            self._more += 1

    def balance(self, node: Detector, rows: Iterable[Sighting], counts: Counts) -> None:
        """Balance one node: `rows` is what the database holds of it."""
        committed = self._committed(node, rows)
        if counts.events != sum(committed.values()):
            self._complain(f"{_name(node)}: its status counts {counts.events} events")
        for number, connection in enumerate(node.connections, 1):
            self._balance_connection(f"{_name(node)}, connection {number}", connection, committed)
        for serial in committed:
            self._complain(f"{_name(node)}: {serial} is in the database and was never sent")
        self._check_rejected(node, counts.rejected)

    def _committed(self, node: Detector, rows: Iterable[Sighting]) -> Counter[int]:
        """Count the serials in `rows`; complain of every row that is not just as it was sent."""
        found: Counter[int] = Counter()
        for row in rows:
            serial = serial_of(row.name)
            if serial is None or row != sighting(node.number, serial):
                self._complain(f"{_name(node)}: nobody sent {row}")
            else:
                found[serial] += 1
        return found

    def _balance_connection(
        self, name: str, connection: Connection, committed: Counter[int]
    ) -> None:
        sent = connection.serials[: len(connection)]
        received = _received(connection, committed)
        for index, serial in enumerate(sent):
            copies = committed.pop(serial, 0)
            if lost := index < received and not (copies or is_garbage(serial)):
                where = f"{index + 1} of {len(sent)}, {received} received, {connection.ending.name}"
                label = self._answerable(f"{name}: {serial} is lost ({where})", connection, index)
            else:
                label = connection.label(index)
            tally = self.tallies[label]
            tally.lost += lost
            tally.sent += 1
            tally.unread += index >= received
            tally.received += index < received
            tally.rejected += index < received and is_garbage(serial)
            tally.committed += bool(copies)
            if copies > 1:
                self._complain(f"{name}: {serial} is in the database {copies} times")
                tally.doubled += copies - 1

    def _answerable(self, complaint: str, connection: Connection, index: int) -> int:
        """Return the label of what cost this packet: what killed its reader, or else complain."""
        if connection.certain is not None and index >= connection.certain:
            assert connection.killed_by is not None
            return connection.killed_by
        self._complain(complaint)
        return connection.label(index)

    def _check_rejected(self, node: Detector, rejected: int) -> None:
        """The status must count what was rejected: the garbage, and packets that were cut off."""
        least = most = 0
        for connection in node.connections:
            least += sum(map(is_garbage, connection.serials[: connection.owed]))
            most += sum(map(is_garbage, connection.serials[: len(connection)]))
            most += connection.ending is not Ending.OPEN
        if not least <= rejected <= most:
            self._complain(
                f"{_name(node)}: its status counts {rejected} rejected, not {least} to {most}"
            )

    def table(self) -> str:
        """Return the whole table, ready to be printed."""
        total = Tally("total")
        for tally in self.tallies:
            for column in COLUMNS:
                setattr(total, column, getattr(total, column) + getattr(tally, column))
        head = f"{'fault':<{NAME_WIDTH}}" + "".join(f"{column:>{WIDTH}}" for column in COLUMNS)
        shown = [tally for tally in self.tallies if tally.times or tally.sent]
        return "\n".join([head, *(tally.line() for tally in [*shown, total])])


def _received(connection: Connection, committed: Counter[int]) -> int:
    """Return how many packets were received: those provably read, or those before one that is in
    the database."""
    read = connection.packets_within(connection.read)
    for index in range(len(connection) - 1, read - 1, -1):
        if connection.serials[index] in committed:
            return index + 1
    return read


def _name(node: Detector) -> str:
    return f"node {node.number} (row {node.row})"
