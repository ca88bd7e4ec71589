"""What a node process has received and the writer has not yet acknowledged."""

import itertools
import time
from collections import deque
from typing import Any

from nodeproc.delivery.introduction import Introduction
from nodeproc.delivery.spool import Spool
from nodeproc.limits import NodeLimits
from nodeproc.wire.frames import Kind, contents, new_stream, pack
from nodeproc.wire.messages import Identity
from nodeproc.wire.subjects import Origin


class Outbox:
    """The frames of one stream, each retained from `append` until `acknowledge`.

    They form one queue: first the frames in the spool, which may begin with those of earlier
    streams; then those in memory that were sent; then those that were not. They are sent in that
    order, and `rewind` begins again at the first.
    """

    def __init__(self, origin: Origin, spool: Spool, generation: int = 0) -> None:
        """Begin a new stream of this node, after what is in its spool.

        `generation`: which writer it is sent to.
        """
        self._origin = origin
        self._generation = generation
        self._spool = spool
        self.stream = new_stream(time.time())
        self._last = 0  # sequence number of the newest frame
        self._sent: deque[bytes] = deque()
        self._unsent: deque[bytes] = deque()
        self._introduction = Introduction(origin, generation)
        self.size = 0  # bytes in memory
        self.events = 0  # in memory

    def __len__(self) -> int:
        """Return how many frames are in memory."""
        return len(self._sent) + len(self._unsent)

    def __bool__(self) -> bool:
        """Whether anything is retained, in memory or in the spool."""
        return bool(self._sent or self._unsent or self._spool)

    def take_up(self) -> int:
        """Take up what an earlier process left in the spool, to be sent before what is in memory.

        Return how many bytes of it were damaged. Raises SpoolError.
        """
        damaged = self._spool.take_up()
        if self._spool:
            self.rewind(self._generation)
        return damaged

    @property
    def first(self) -> int:
        """Sequence number of the oldest frame in memory, or of the next one if there is none."""
        return self._last - len(self) + 1

    def append(self, kind: Kind, value: Any) -> int:
        """Retain one more frame, to be sent in its turn; return its sequence number."""
        self._last += 1
        raw = pack(kind, value, origin=self._origin, stream=self.stream, sequence=self._last)
        self._unsent.append(raw)
        self.size += len(raw)
        self.events += contents(raw)[1]
        return self._last

    def take(self) -> bytes | None:
        """Return the bytes to send next, or None. Raises SpoolError.

        A RESUME frame goes before the first frame of each stream, and a GAP frame before the first
        one after others that are missing.
        """
        if frame := self._spool.read():
            return self._introduction.of(frame.stream, frame.sequence) + frame.raw
        if not self._unsent:
            return None
        raw = self._unsent.popleft()
        self._sent.append(raw)
        return self._introduction.of(self.stream, self._last - len(self._unsent)) + raw

    def rewind(self, generation: int) -> None:
        """Begin to send everything retained again, to the writer of this generation."""
        self._generation = generation
        self._unsent.extendleft(reversed(self._sent))
        self._sent.clear()
        self._spool.rewind()
        self._introduction.begin(generation)

    def acknowledge(self, stream: int, sequence: int) -> None:
        """Forget the frames of `stream` up to `sequence`: they are in the database."""
        self._spool.acknowledge(stream, sequence)
        if stream != self.stream:
            return
        while self._sent and self.first <= sequence:
            raw = self._sent.popleft()
            self.size -= len(raw)
            self.events -= contents(raw)[1]

    def belongs_to(self, owner: Identity) -> None:
        """Enter in the spool that it is this node's, from now on."""
        self._spool.belongs_to(owner)

    @property
    def has_events(self) -> bool:
        """Whether events are retained, and not only reports of the node's state."""
        return bool(self.events or self.spooled_events)

    def forget(self) -> None:
        """Retain nothing of it."""
        self._spool.remove()
        self._forget_memory()

    def _forget_memory(self) -> None:
        self._sent.clear()
        self._unsent.clear()
        self.size = self.events = 0

    def give_up_spool(self) -> None:
        """Go on without the spool, which cannot be read; set its file aside."""
        self._spool.set_aside()

    def adjust(self, limits: NodeLimits) -> None:
        """Keep the spool within `limits` from now on."""
        self._spool.limits = limits

    @property
    def is_spooling(self) -> bool:
        """Whether anything is in the spool."""
        return bool(self._spool)

    def spool(self, *, force: bool = False) -> None:
        """Move what is in memory to the spool. Raises SpoolError, and then nothing has moved.

        With `force`, the spool's limits do not count.
        """
        if not len(self):
            return
        self._spool.append(
            [*self._sent, *self._unsent],
            (self.stream, self._last),
            sent=len(self._sent),
            force=force,
        )
        self._forget_memory()

    # The numbers of what waits

    @property
    def spooled_events(self) -> int:
        """How many events in the spool are not acknowledged."""
        return self._spool.backlog.events

    @property
    def spooled_bytes(self) -> int:
        """The size of the spool."""
        return self._spool.size

    @property
    def oldest(self) -> float | None:
        """When the oldest event retained was received, in seconds since the epoch."""
        if self._spool.backlog.since is not None:
            return self._spool.backlog.since
        if not self.events:
            return None
        heads = map(contents, itertools.chain(self._sent, self._unsent))
        return next(received_at for received_at, events in heads if events)
