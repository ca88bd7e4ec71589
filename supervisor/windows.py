"""How much of each node may be on its way to the writer and not yet committed; pure.

All nodes share one pipe to the writer, in the order in which they send. The writer takes the nodes
in turn (`birdwatcher.writer.turns`), but can do so only with what it has read. So of no node may
there be more ahead of the others than the writer is ready to hold: beyond its window a node is held
back alone. The writer reports what it is through with, whatever became of it.
"""

from collections import Counter
from collections.abc import Iterable

from nodeproc.wire.messages import Through

WINDOW = 1024 * 1024  # bytes; some ten thousand events


class Windows:
    """Counts the bytes of each node, by its id."""

    def __init__(self, window: int = WINDOW) -> None:
        self._window = window
        self._under_way: Counter[int] = Counter()

    def is_full(self, node: int) -> bool:
        """Whether nothing else may be taken from this node for now."""
        return self._under_way[node] > self._window

    def sent(self, node: int, size: int) -> bool:
        """Note that `size` bytes of a node go to the writer; return whether that makes it full."""
        was_full = self.is_full(node)
        self._under_way[node] += size
        return not was_full and self.is_full(node)

    def through(self, reports: Iterable[Through]) -> list[int]:
        """Note what the writer is through with; return the nodes that are not full any more."""
        opened = []
        for _, node, size in reports:
            was_full = self.is_full(node)
            self._under_way[node] -= size
            if self._under_way[node] <= 0:
                del self._under_way[node]
            if was_full and not self.is_full(node):
                opened.append(node)
        return opened

    def clear(self) -> None:
        """Begin again: the writer is another, and has nothing."""
        self._under_way.clear()
