"""Numbers that one process writes and another reads, in memory that both share.

They are not messages, because they must get through when the daemon is in trouble: when a pipe is
full, when the database is away, when a process was killed. A counter goes on from one process of a
node to the next, so nothing has to be sent, retained or added up.
"""

import mmap
from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate, chain
from typing import NamedTuple

SIZE = 8  # bytes of each number: written in one store of the processor, so never read half written
MICRO = 1_000_000


def shared_numbers(count: int) -> "memoryview[int]":
    """Return `count` whole numbers, all 0, which every process forked from now on shares.

    At most one process at a time may write. Call it before the fork.
    """
    return memoryview(mmap.mmap(-1, count * SIZE)).cast("q")


class Arena:
    """Slots of numbers for processes that come and go, in one mapping for all.

    Every process inherits every mapping, and each mapping costs it kernel memory and makes its fork
    slower: with a mapping for each slot, the cost would grow as the square of their number.
    """

    FIRST = 1024  # slots; when all are used, their number is doubled

    def __init__(self, width: int, slots: int = FIRST) -> None:
        """`width`: how many numbers a slot has; `slots`: how many of them there are at first."""
        self._width = width
        self._blocks: list[memoryview[int]] = []
        self._used: list[memoryview[int]] = []  # given back
        self._add(slots)

    def take(self) -> "memoryview[int]":
        """Return a slot, all 0, which every process forked from now on shares."""
        if self._used:
            return self._used.pop()
        slot = next(self._unused, None)
        if slot is None:
            self._add(sum(map(len, self._blocks)) // self._width)
            slot = next(self._unused)
        return slot

    def give_back(self, slot: "memoryview[int]") -> None:
        """Let a later process have `slot`. The process that wrote to it must be dead.

        To use `slot` afterwards, here too, raises ValueError instead of changing another's numbers.
        """
        slot[:] = memoryview(bytes(slot.nbytes)).cast("q")
        self._used.append(slot[:])
        slot.release()

    def columns(self) -> list[Sequence[int]]:
        """Return the first numbers of all slots, the second ones, …; a free slot's are 0."""
        numbers = list(chain.from_iterable(block.tolist() for block in self._blocks))
        return [numbers[place :: self._width] for place in range(self._width)]

    def _add(self, slots: int) -> None:
        block = shared_numbers(slots * self._width)
        self._blocks.append(block)
        starts = range(0, len(block), self._width)
        self._unused = (block[start : start + self._width] for start in starts)


class Distribution(NamedTuple):
    """How often each size occurred, in the form of Prometheus' histograms."""

    buckets: list[tuple[float, int]]  # upper bound, how many were at most that; the last is inf
    total: float  # all sizes together


class Histogram:
    """Counts sizes in buckets."""

    MORE = 2  # numbers than bounds: a last bucket, and the total

    def __init__(self, bounds: Sequence[float], numbers: "memoryview[int]") -> None:
        """`bounds`: the upper bounds of its buckets, ascending; a last one without bound follows.

        `numbers`: `MORE` than `bounds`, shared before the fork.
        """
        self._bounds = bounds
        self._counts = numbers[:-1]
        self._total = numbers[-1:]  # in millionths

    def add(self, size: float) -> None:
        """Count one more."""
        self._counts[bisect_left(self._bounds, size)] += 1
        self._total[0] += round(size * MICRO)

    def read(self) -> Distribution:
        """Return what was counted so far."""
        counts = accumulate(self._counts.tolist())
        bounds = (*self._bounds, float("inf"))
        return Distribution(list(zip(bounds, counts, strict=True)), self._total[0] / MICRO)
