"""From what one read of the socket returns to one batch of events and rejected packets."""

import logging
import time
from collections.abc import Callable

from nodeproc.logs.fold import Fold
from nodeproc.sources.tcp.events import InvalidPacketError, parse_event
from nodeproc.sources.tcp.protocol import LENGTH, FramingError, PacketSplitter
from nodeproc.wire.messages import RAW_BYTES, Batch, Event, Rejection
from nodeproc.wire.reasons import Reason

# Keep at most this many rejected packets per read and count the rest, so that garbage cannot flood
# the database.
KEPT_REJECTIONS = 20


class Receiver:
    """Turns the bytes of one connection, from its first one on, into batches."""

    def __init__(
        self,
        limit: int,
        fold: Fold,
        parse: Callable[[bytes], Event] = parse_event,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`limit`: the longest packet taken, in bytes; `fold` logs the packets rejected."""
        self._limit = limit
        self._parse = parse
        self._splitter = PacketSplitter(limit)
        self._fold = fold
        self._clock = clock

    @property
    def is_midway(self) -> bool:
        """Whether a packet has begun and is not yet complete."""
        return bool(self._splitter.pending)

    def receive(self, data: bytes) -> tuple[Batch | None, str | None]:
        """Return the batch that `data` completes, and why the connection has to end; or None."""
        now = self._clock()
        events: list[Event] = []
        rejected = _Rejected(now)
        lost = None
        try:
            for packet in self._splitter.feed(data):
                try:
                    events.append(self._parse(packet))
                except InvalidPacketError as error:
                    self._log(error.reason)
                    rejected.add(error.reason, len(packet), packet)
        except FramingError as error:
            reason = Reason.TOO_LARGE if error.length else Reason.LENGTH_ZERO
            self._log(reason)
            rejected.add(reason, error.length, LENGTH.pack(error.length))
            self._splitter = PacketSplitter(self._limit)
            lost = str(error)
        if not (events or rejected.count):
            return None, lost
        return Batch(now, events, rejected.kept, rejected.count), lost

    def end(self, reason: Reason = Reason.TRUNCATED) -> Batch | None:
        """Return a batch with the last packet as a rejected one if it is incomplete, else None."""
        begun = self._splitter.pending
        if not begun:
            return None
        self._log(reason)
        self._splitter = PacketSplitter(self._limit)
        rejected = _Rejected(self._clock())
        size = LENGTH.unpack_from(begun)[0] if len(begun) >= LENGTH.size else 0
        rejected.add(reason, size, begun[LENGTH.size :])
        return Batch(rejected.at, [], rejected.kept, rejected.count)

    def _log(self, reason: Reason) -> None:
        self._fold(logging.WARNING, f"rejected: {reason}", f"rejected a packet: {reason}")


class _Rejected:
    """The packets of one read that broke the rules."""

    def __init__(self, at: float) -> None:
        self.at = at
        self.kept: list[Rejection] = []
        self.count = 0

    def add(self, reason: Reason, size: int, raw: bytes) -> None:
        self.count += 1
        if len(self.kept) < KEPT_REJECTIONS:
            self.kept.append((self.at, reason.value, size, raw[:RAW_BYTES]))
