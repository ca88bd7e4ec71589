"""Numbers of the daemon that the writer and the supervisor show each other."""

from collections.abc import Iterator
from itertools import accumulate
from typing import NamedTuple

from nodeproc.numbers.shared import MICRO, Histogram, shared_numbers

EVENT_BOUNDS = (0, 1, 3, 10, 30, 100, 300, 1_000, 3_000, 10_000, 30_000)
SECOND_BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Summary(NamedTuple):
    """The state of the daemon, as the supervisor sees it."""

    nodes: int  # that have a process, or are waiting for one
    connected: int
    backlog: int  # events received and not yet committed
    spooled: int  # of these, in spools
    oldest: float | None  # when the oldest of them was received, in seconds since the epoch
    events_per_second: float  # received
    missing: int = 0  # nodes without a row of which something is held


class DaemonNumbers:
    """The numbers that one of the two writes and the other reads; to be made before the fork.

    Each writer in turn counts its transactions here; the supervisor publishes its summary.
    """

    def __init__(self) -> None:
        events, seconds = len(EVENT_BOUNDS) + Histogram.MORE, len(SECOND_BOUNDS) + Histogram.MORE
        self._committed, self._summary, for_events, for_seconds = _parts(
            5, len(Summary._fields) + 1, events, seconds
        )
        self.commit_events = Histogram(EVENT_BOUNDS, for_events)
        self.commit_seconds = Histogram(SECOND_BOUNDS, for_seconds)

    def count_commit(
        self, events: int, rejected: int, seconds: float, *, set_aside: int = 0
    ) -> None:
        """Count one more transaction, with what it wrote and how long it took. For the writer."""
        self._committed[0] += events
        self._committed[1] += rejected
        self._committed[3] += set_aside
        self.commit_events.add(events)
        self.commit_seconds.add(seconds)

    def count_known(self, events: int) -> None:
        """Count events that another daemon had committed. For the writer."""
        self._committed[2] += events

    def count_missing(self, batches: int) -> None:
        """Count batches that the database had confirmed, and has not any more. For the writer."""
        self._committed[4] += batches

    @property
    def committed(self) -> int:
        """Events that were committed."""
        return self._committed[0]

    @property
    def rejected(self) -> int:
        """Rejected packets that were committed, those that the database refused included."""
        return self._committed[1]

    @property
    def known(self) -> int:
        """Events that were left out because another daemon had committed them."""
        return self._committed[2]

    @property
    def set_aside(self) -> int:
        """Of the events that were committed, those set aside for their new species."""
        return self._committed[3]

    @property
    def missing(self) -> int:
        """Batches that the database had confirmed, and lost by going back to an older state."""
        return self._committed[4]

    def publish(self, summary: Summary) -> None:
        """Show the summary to the writer. For the supervisor."""
        *whole, oldest, rate, missing = summary
        millionths = (round((oldest or 0.0) * MICRO), round(rate * MICRO))
        for place, value in enumerate((*whole, *millionths, missing, 1)):
            self._summary[place] = value

    def summary(self) -> Summary | None:
        """Return what was published last, None before the first time."""
        *numbers, there = self._summary.tolist()
        if not there:
            return None
        summary = Summary(*numbers)
        oldest, rate = (summary.oldest or 0) / MICRO, summary.events_per_second / MICRO
        return summary._replace(oldest=oldest or None, events_per_second=rate)


def _parts(*widths: int) -> "Iterator[memoryview[int]]":
    """Yield slices of these widths of one mapping (see `nodeproc.numbers.shared.Arena`)."""
    numbers = shared_numbers(sum(widths))
    for end, width in zip(accumulate(widths), widths, strict=True):
        yield numbers[end - width : end]
