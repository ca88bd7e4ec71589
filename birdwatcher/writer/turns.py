"""Which of the waiting frames the next transaction takes: the nodes in turn.

Start-time fair queueing (Goyal, Vin and Cheng, 1996), with rows for bytes: each node has a clock of
its own, which its rows advance, and the node whose clock is furthest behind is next. The clock of a
node of which nothing waited starts a little behind the present. So nodes that send as much as they
can share what there is, and one that sends less than its share is in the next transaction, however
many of the others there are. The frames of one node stay in their order.
"""

import heapq
import itertools
from collections import deque
from collections.abc import Iterable

from nodeproc.wire.frames import Frame

HEAD_START = 1_000  # rows
ROW = 64  # bytes of a frame that count as a row: rejected packets are not among its events

Node = tuple[int, int]  # subject and id


def rows_of(frame: Frame) -> int:
    """Return about how many rows a frame becomes, without opening it."""
    return max(frame.events, len(frame.raw) // ROW, 1)


class Turns:
    """The frames that wait for a transaction, by node."""

    def __init__(self) -> None:
        self._frames: dict[Node, deque[Frame]] = {}
        # The clock of each node of which something waits, in rows; a number, for equal clocks.
        self._next: list[tuple[int, int, Node]] = []
        self._numbers = itertools.count()
        self._stopped: dict[Node, int] = {}  # the clocks of the others, where they may be ahead
        self._present = HEAD_START  # the clock that is furthest of those that had a turn
        self.size = 0  # bytes

    def __bool__(self) -> bool:
        return bool(self._frames)

    def add(self, frames: Iterable[Frame]) -> None:
        """Let `frames` wait."""
        for frame in frames:
            node = frame[1:3]
            waiting = self._frames.get(node)
            if waiting is None:
                waiting = self._frames[node] = deque()
                clock = max(self._present - HEAD_START, self._stopped.pop(node, 0))
                heapq.heappush(self._next, (clock, next(self._numbers), node))
            waiting.append(frame)
            self.size += len(frame.raw)

    def take(self, rows: int) -> list[Frame]:
        """Return the frames of about so many rows, or the next one, if it alone has more."""
        taken: list[Frame] = []
        while self._next:
            clock, _, node = self._next[0]
            waiting = self._frames[node]
            cost = rows_of(waiting[0])
            if taken and cost > rows:
                return taken
            rows -= cost
            taken.append(waiting.popleft())
            self.size -= len(taken[-1].raw)
            self._present = max(self._present, clock)
            if waiting:
                heapq.heapreplace(self._next, (clock + cost, next(self._numbers), node))
            else:
                heapq.heappop(self._next)
                del self._frames[node]
                self._stopped[node] = clock + cost
        self._stopped.clear()  # nobody waits, so nobody is ahead of anyone
        return taken
