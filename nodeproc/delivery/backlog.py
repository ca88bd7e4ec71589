"""How many events wait in a spool, and since when."""

import contextlib

from nodeproc.delivery.spoolfile import MAGIC, SpoolReader
from nodeproc.wire.frames import Frame


class Backlog:
    """Counts the frames of a spool, from the oldest that is not acknowledged on.

    A cursor follows the acknowledgements through the file and reads the headers that it passes, so
    nothing is held in memory for each frame. If the file cannot be read, the numbers stand still:
    they are for people, and the delivery does not depend on them.
    """

    def __init__(self, reader: SpoolReader | None = None) -> None:
        """`reader`: of the spool's file; a cursor of its own."""
        self._reader = reader
        self._acknowledged: dict[int, int] = {}  # stream -> up to which sequence number
        self._cursor = self._end = len(MAGIC)
        self._oldest = len(MAGIC)  # offset of the first frame with events, from the cursor on
        self.events = 0
        self.since: float | None = None  # when the oldest was received: seconds since the epoch

    def add(self, frame: Frame, end: int) -> None:
        """Count one more frame, which stands in the file up to the offset `end`."""
        if frame.events:
            if self.since is None:
                self.since, self._oldest = frame.received_at, self._end
            self.events += frame.events
        self._end = end

    def acknowledge(self, stream: int, sequence: int) -> None:
        """Stop counting the frames of `stream` up to `sequence`: they are committed."""
        if self._cursor == self._end:
            return
        self._acknowledged[stream] = max(sequence, self._acknowledged.get(stream, 0))
        with contextlib.suppress(OSError):
            self._pass_acknowledged()
            self._find_oldest()

    def _pass_acknowledged(self) -> None:
        while found := self._head(self._cursor):
            frame, after = found
            if frame.sequence > self._acknowledged.get(frame.stream, 0):
                return
            self.events -= frame.events
            self._cursor = after

    def _find_oldest(self) -> None:
        self._oldest = max(self._oldest, self._cursor)
        while found := self._head(self._oldest):
            frame, after = found
            if frame.events:
                self.since = frame.received_at
                return
            self._oldest = after
        if self._oldest == self._end:
            self.since = None

    def _head(self, offset: int) -> tuple[Frame, int] | None:
        return self._reader.head(offset) if self._reader and offset < self._end else None
