"""Numbers that one process writes and another reads, in memory that both share.

Not messages, because what tells how the daemon does must get through when it does badly: behind a
full pipe, while the database is away, out of a process that was killed. What counts on from process
to process never begins anew, and nothing has to be sent, kept back or added up.
"""

import mmap
from bisect import bisect_left
from itertools import accumulate
from typing import NamedTuple

SIZE = 8  # bytes of each number: one store of the processor, never seen half written
MICRO = 1_000_000


def shared_numbers(count: int) -> "memoryview[int]":
    """Return `count` whole numbers, all 0, which every process forked from now on shares.

    At most one process at a time writes; to be made before the fork.
    """
    return memoryview(mmap.mmap(-1, count * SIZE)).cast("q")


class Distribution(NamedTuple):
    """How often each size occurred, in the way of Prometheus' histograms."""

    buckets: list[tuple[float, int]]  # upper bound, how many were at most that; the last is inf
    total: float  # all sizes together


class Histogram:
    """Counts sizes by how large they are."""

    def __init__(self, *bounds: float) -> None:
        """`bounds`: the upper bounds of its buckets, ascending; a last one without bound follows.

        To be made before the fork.
        """
        self._bounds = bounds
        self._counts = shared_numbers(len(bounds) + 1)
        self._total = shared_numbers(1)  # in millionths

    def add(self, size: float) -> None:
        """Count one more."""
        self._counts[bisect_left(self._bounds, size)] += 1
        self._total[0] += round(size * MICRO)

    def read(self) -> Distribution:
        """Return what was counted so far."""
        counts = accumulate(self._counts.tolist())
        bounds = (*self._bounds, float("inf"))
        return Distribution(list(zip(bounds, counts, strict=True)), self._total[0] / MICRO)
