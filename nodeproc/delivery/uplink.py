"""The way from a node process up to the writer: what is retained, and the pipe that carries it."""

import asyncio
from multiprocessing.connection import Connection

from nodeproc.delivery.outbox import Outbox
from nodeproc.delivery.protocols import UplinkOwner
from nodeproc.delivery.spool import SpoolError
from nodeproc.limits import NodeLimits
from nodeproc.wire.channel import Channel
from nodeproc.wire.frames import Frame, Kind

PIPE_BUFFER = 256 * 1024  # bytes on their way up the pipe; what is beyond waits in the outbox
# What was not acknowledged between one look and the next, so many seconds later, is spooled.
AGE_CHECK = 1.0


class Uplink:
    """Retains what is handed up until it is acknowledged, and sends it as the pipe takes it.

    In memory for a second or two, in the spool after that. When the spool can take no more, memory
    fills up to its limit, `is_full` turns true, and the socket has to wait.
    """

    def __init__(
        self, connection: Connection, outbox: Outbox, limits: NodeLimits, owner: UplinkOwner
    ) -> None:
        """Send what is in `outbox` up the pipe end `connection`."""
        self._outbox = outbox
        self._limits = limits
        self._owner = owner
        self._ageing: asyncio.TimerHandle | None = None
        self._failing = False  # the spool took nothing at the last attempt
        self._oldest = 0  # the oldest frame in memory, by its number, at the last look
        self._channel = Channel(connection, self)

    def start(self) -> None:
        """Begin with what an earlier process left; it may turn out that it cannot be read."""
        self._pump()

    def __bool__(self) -> bool:
        """Whether anything is retained."""
        return bool(self._outbox)

    @property
    def _spool_takes(self) -> bool:
        return self._outbox.is_spooling and not self._failing

    @property
    def is_full(self) -> bool:
        """Whether more is in memory than the limit allows: stop reading the socket."""
        return self._outbox.size > self._limits.retained_bytes

    @property
    def has_room(self) -> bool:
        """Whether so little is in memory that reading the socket may go on."""
        return self._outbox.size <= self._limits.retained_bytes // 2

    def adjust(self, limits: NodeLimits) -> None:
        """Keep to these limits from now on, in memory and in the spool."""
        self._limits = limits
        self._outbox.adjust(limits)
        self._failing = False  # the spool may take more now
        self._owner.memory_freed()

    def hand_up(self, kind: Kind, value: object) -> int:
        """Retain one more frame, and send it in its turn; return its sequence number."""
        sequence = self._outbox.append(kind, value)
        self._pump()
        if self._spool_takes and self._outbox.size > self._limits.retained_bytes // 4:
            self._spool()  # sooner than by age: the writer is known to be behind
        if self._ageing is None and len(self._outbox):
            self._look_again()
        return sequence

    def close(self) -> str | None:
        """Spool what is in memory and close the pipe; return why that failed, or None."""
        self._calm()
        try:
            self._outbox.spool(force=True)
        except SpoolError as error:
            return f"{len(self._outbox)} batches could not be spooled and are lost: {error}"
        finally:  # last: to the supervisor a closed pipe means that the process is all but dead
            self._channel.close()
        return None

    # Implements `ChannelOwner`

    def frame_arrived(self, frame: Frame) -> None:
        """Forget what is committed, or send it again; then let the owner act on the frame."""
        match frame.kind:
            case Kind.ACKED:
                self._outbox.acknowledge(frame.stream, frame.sequence)
                if not len(self._outbox):
                    self._calm()
                if frame.stream == self._outbox.stream:
                    self._owner.batches_committed(frame.sequence)
                self._owner.memory_freed()
            case Kind.RESEND:
                self._outbox.rewind(frame.value())
                self._pump()
        self._owner.supervisor_said(frame)

    def pipe_closed(self) -> None:
        """Let the owner end."""
        self._owner.supervisor_gone()

    def pipe_drained(self) -> None:
        """Send what the pipe had no room for."""
        self._pump()

    def _pump(self) -> None:
        """Send as much as the pipe takes, but at most PIPE_BUFFER bytes in one turn of the loop: a
        fast reader must not keep us here for ever."""
        sent = 0
        try:
            while self._channel.takes and self._channel.buffered < PIPE_BUFFER:
                if sent >= PIPE_BUFFER:
                    asyncio.get_running_loop().call_soon(self._pump)
                    return
                if (raw := self._outbox.take()) is None:
                    return
                self._channel.send_now(raw)
                sent += len(raw)
        except SpoolError as error:
            self._outbox.give_up_spool()
            self._owner.spooling_tried(f"{error}; it is set aside")
            self._pump()

    # Ageing

    def _look_again(self) -> None:
        self._oldest = self._outbox.first
        self._ageing = asyncio.get_running_loop().call_later(AGE_CHECK, self._look)

    def _look(self) -> None:
        self._ageing = None
        if len(self._outbox) and self._outbox.first == self._oldest:
            self._spool()
        if len(self._outbox):
            self._look_again()

    def _calm(self) -> None:
        if self._ageing:
            self._ageing.cancel()
            self._ageing = None

    def _spool(self) -> None:
        try:
            self._outbox.spool()
        except SpoolError as error:
            self._failing = True  # until the next look
            self._owner.spooling_tried(str(error))
        else:
            self._failing = False
            self._owner.spooling_tried(None)
            self._owner.memory_freed()
