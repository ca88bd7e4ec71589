"""The way from a node process to the writer: retained frames, and the pipe that carries them."""

import asyncio
from multiprocessing.connection import Connection
from typing import Protocol

from nodeproc.delivery.outbox import Outbox
from nodeproc.delivery.spool import SpoolError
from nodeproc.limits import NodeLimits
from nodeproc.wire.channel import Channel
from nodeproc.wire.frames import Frame, Kind

PIPE_BUFFER = 256 * 1024  # bytes waiting for room in the pipe; the rest waits in the outbox
# Seconds between two checks. A frame that was in memory at both is spooled.
AGE_CHECK = 1.0


class UplinkOwner(Protocol):
    """The node process, whose frames an uplink retains and sends."""

    def supervisor_said(self, frame: Frame) -> None:
        """Act on a frame from the supervisor, of which the uplink has done its own part."""

    def supervisor_gone(self) -> None:
        """Take note that the other end of the pipe is closed."""

    def batches_committed(self, position: int) -> None:
        """Take note that what this process received is committed up to this position."""

    def memory_changed(self) -> None:
        """Take note that there is more or less room for what is received."""

    def spooling_tried(self, trouble: str | None) -> None:
        """Take note of an attempt to spool, and why it failed, or None."""


class Uplink:
    """Retains frames until they are acknowledged, and sends them as the pipe takes them.

    A frame is retained in memory for a second or two, and in the spool after that. When the spool
    can take no more, memory fills up to its limit, `is_full` turns true, and the node has to wait.
    Implements `ChannelOwner`.
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
        self._oldest = 0  # number of the oldest frame in memory, at the last check
        self._channel = Channel(connection, self)

    def start(self) -> None:
        """Begin to send what an earlier process left, unless it turns out to be unreadable."""
        self._pump()

    def __bool__(self) -> bool:
        """Whether anything is retained."""
        return bool(self._outbox)

    @property
    def _spool_takes(self) -> bool:
        return self._outbox.is_spooling and not self._failing

    @property
    def is_full(self) -> bool:
        """Whether more is in memory than the limit allows: take nothing more from the node."""
        return self._outbox.size > self._limits.retained_bytes

    @property
    def has_room(self) -> bool:
        """Whether so little is in memory that the node may go on."""
        return self._outbox.size <= self._limits.retained_bytes // 2

    def adjust(self, limits: NodeLimits) -> None:
        """Keep to these limits from now on, in memory and in the spool."""
        self._limits = limits
        self._outbox.adjust(limits)
        self._failing = False  # the spool may take more now
        self._owner.memory_changed()

    def hand_up(self, kind: Kind, value: object) -> int:
        """Retain one more frame, and send it in its turn; return its sequence number."""
        sequence = self._outbox.append(kind, value)
        self._pump()
        if self._spool_takes and self._outbox.size > self._limits.retained_bytes // 4:
            self._spool()  # without waiting for its age: the writer is known to be slow
        if self._ageing is None and len(self._outbox):
            self._check_later()
        return sequence

    def forget(self) -> None:
        """Retain nothing of what is retained."""
        self._stop_ageing()
        self._outbox.forget()

    def close(self) -> str | None:
        """Spool what is in memory and close the pipe; return why that failed, or None."""
        self._stop_ageing()
        trouble = self.spool_all()
        # Last: to the supervisor a closed pipe means that the process is all but dead.
        self._channel.close()
        if trouble is None:
            return None
        return f"{self._outbox.events} events could not be spooled and are lost: {trouble}"

    def spool_all(self) -> str | None:
        """Spool what is in memory, beyond all limits; return why that failed, or None."""
        try:
            self._outbox.spool(force=True)
        except SpoolError as error:
            return str(error)
        return None

    # From the pipe

    def frame_arrived(self, frame: Frame) -> None:
        """Forget what is committed, or send it again; then let the owner act on the frame."""
        match frame.kind:
            case Kind.ACKED:
                self._outbox.acknowledge(frame.stream, frame.sequence)
                if not len(self._outbox):
                    self._stop_ageing()
                if frame.stream == self._outbox.stream:
                    self._owner.batches_committed(frame.sequence)
                self._owner.memory_changed()
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
        fast reader must not keep the loop here for ever."""
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

    def _check_later(self) -> None:
        self._oldest = self._outbox.first
        self._ageing = asyncio.get_running_loop().call_later(AGE_CHECK, self._check_age)

    def _check_age(self) -> None:
        self._ageing = None
        if len(self._outbox) and self._outbox.first == self._oldest:
            self._spool()
        if len(self._outbox):
            self._check_later()

    def _stop_ageing(self) -> None:
        if self._ageing:
            self._ageing.cancel()
            self._ageing = None

    def _spool(self) -> None:
        try:
            self._outbox.spool()
        except SpoolError as error:
            self._failing = True  # until the next check
            self._owner.spooling_tried(str(error))
        else:
            self._failing = False
            self._owner.spooling_tried(None)
            self._owner.memory_changed()
