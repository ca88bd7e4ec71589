"""The way from a node process up to the writer: what is retained, and the pipe that carries it."""

import asyncio
from collections.abc import Callable
from multiprocessing.connection import Connection

from nodeproc.delivery.outbox import Outbox
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
        self,
        connection: Connection,
        outbox: Outbox,
        limits: NodeLimits,
        *,
        on_told: Callable[[Frame], None],
        on_gone: Callable[[], None],
        on_room: Callable[[], None],
        on_spool: Callable[[str | None], None],
    ) -> None:
        """Send what is in `outbox` up the pipe end `connection`.

        `on_told(frame)` is called for what the supervisor says, after the uplink has done its part;
        `on_gone()` when it is gone; `on_room()` when memory was freed; `on_spool(trouble)` at each
        attempt to spool, with None when it succeeded.
        """
        self._outbox = outbox
        self._limits = limits
        self._on_told = on_told
        self._on_room = on_room
        self._on_spool = on_spool
        self._ageing: asyncio.TimerHandle | None = None
        self._failing = False  # the spool took nothing at the last attempt
        self._oldest = 0  # the oldest frame in memory, by its number, at the last look
        self._channel = Channel(
            connection, on_frame=self._received, on_eof=on_gone, on_drained=self._pump
        )

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
        self._on_room()

    def hand_up(self, kind: Kind, value: object) -> None:
        """Retain one more frame, and send it in its turn."""
        self._outbox.append(kind, value)
        self._pump()
        if self._spool_takes and self._outbox.size > self._limits.retained_bytes // 4:
            self._spool()  # sooner than by age: the writer is known to be behind
        if self._ageing is None and len(self._outbox):
            self._look_again()

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

    def _received(self, frame: Frame) -> None:
        match frame.kind:
            case Kind.ACKED:
                self._outbox.acknowledge(frame.stream, frame.sequence)
                if not len(self._outbox):
                    self._calm()
                self._on_room()
            case Kind.RESEND:
                self._outbox.rewind(frame.value())
                self._pump()
        self._on_told(frame)

    def _pump(self) -> None:
        """Send what is to be sent, as much as the pipe takes, and no more than so much in one turn:
        who drains it may be quicker than we are."""
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
            self._on_spool(f"{error}; it is set aside")
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
            self._on_spool(str(error))
        else:
            self._failing = False
            self._on_spool(None)
            self._on_room()
