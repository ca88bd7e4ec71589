"""How many events wait in a spool, and since when, without reading it again."""

from collections import deque
from dataclasses import dataclass

from nodeproc.wire import batch_head

MOST_MARKS = 1024


@dataclass(slots=True)
class _Mark:
    """Some frames that follow each other."""

    stream: int  # of the last of them
    sequence: int
    frames: int
    events: int
    since: float | None  # when the oldest of the events was received

    def join(self, later: "_Mark") -> None:
        """Take in those that follow."""
        self.stream, self.sequence = later.stream, later.sequence
        self.frames += later.frames
        self.events += later.events
        if self.since is None:
            self.since = later.since


class Backlog:
    """The frames in a spool, from the oldest that is not acknowledged on.

    However many they are, there are at most `MOST_MARKS` marks on them: with more frames a mark
    covers more, and its events count as waiting until the last of them is acknowledged.
    """

    def __init__(self) -> None:
        self._marks: deque[_Mark] = deque()
        self._acknowledged: dict[int, int] = {}  # stream -> up to which sequence number
        self._span = 1  # frames of a mark
        self.events = 0

    def add(self, stream: int, sequence: int, raw: bytes) -> None:
        """One more frame stands at the end."""
        since, events = batch_head(raw)
        self.events += events
        mark = _Mark(stream, sequence, 1, events, since if events else None)
        if self._marks and self._marks[-1].frames < self._span:
            self._marks[-1].join(mark)
            return
        self._marks.append(mark)
        if len(self._marks) > MOST_MARKS:
            self._span *= 2
            self._join_pairs()

    def acknowledge(self, stream: int, sequence: int) -> None:
        """The frames of `stream` up to `sequence` are committed."""
        if not self._marks:
            return
        self._acknowledged[stream] = max(sequence, self._acknowledged.get(stream, 0))
        while self._marks and self._is_acknowledged(self._marks[0]):
            self.events -= self._marks.popleft().events

    @property
    def since(self) -> float | None:
        """When the oldest event was received, in seconds since the epoch; None without events."""
        return next((mark.since for mark in self._marks if mark.since is not None), None)

    def _is_acknowledged(self, mark: _Mark) -> bool:
        return self._acknowledged.get(mark.stream, 0) >= mark.sequence

    def _join_pairs(self) -> None:
        joined: deque[_Mark] = deque()
        for number, mark in enumerate(self._marks):
            if number % 2:
                joined[-1].join(mark)
            else:
                joined.append(mark)
        self._marks = joined
