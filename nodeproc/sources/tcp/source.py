"""Keeps the connection to one node: opens it, reads it, backs off when it ends."""

import asyncio
import contextlib
import logging
import time

from nodeproc.backoff import Backoff
from nodeproc.limits import NodeLimits
from nodeproc.logs.fold import Fold
from nodeproc.networks import refusal
from nodeproc.numbers.node import NodeNumbers
from nodeproc.sources.flow import Flow
from nodeproc.sources.source import SourceOwner
from nodeproc.sources.tcp.connection import (
    ConnectionEndedError,
    NodeConnection,
    connect,
    portion_at,
)
from nodeproc.sources.tcp.events import parse_event
from nodeproc.sources.tcp.guard import Guard
from nodeproc.sources.tcp.patience import Patience
from nodeproc.sources.tcp.receiver import Receiver
from nodeproc.states import NodeState
from nodeproc.wire.messages import Batch, NodeSpec
from nodeproc.wire.reasons import Reason

log = logging.getLogger("birdwatcher.node")

BACKOFF_BASE = 0.25  # seconds
STABLE_AFTER = 10.0  # seconds that a connection must last to be called stable


class TcpSource:
    """Stays connected to one node, wherever it moves."""

    def __init__(
        self,
        spec: NodeSpec,
        limits: NodeLimits,
        numbers: NodeNumbers,
        guard: Guard | None,
        owner: SourceOwner,
    ) -> None:
        """Do nothing until `run`. See `MakeSource`."""
        self._spec = spec
        self._limits = limits
        self._numbers = numbers
        self._parse = guard.parse_event if guard else parse_event
        self._owner = owner
        self._fold = Fold(log)
        self._receiver = self._make_receiver()
        self._backoff = Backoff(
            base=BACKOFF_BASE, cap=self._limits.backoff_cap, stable=STABLE_AFTER
        )
        self._connection: NodeConnection | None = None
        later = asyncio.get_running_loop().call_later
        self._flow = Flow(self._rate, self._flow_changed, self._fold, later)
        self._shown = ""  # why less is read than the node sends, as entered in its state
        self._attempt: asyncio.Timeout | None = None  # to connect
        self._moved = asyncio.Event()
        self._patience = Patience()
        self._stall: asyncio.TimerHandle | None = None

    @property
    def _rate(self) -> int:
        """Events a second."""
        return self._spec.max_events_per_second or self._limits.max_events_per_second

    def _make_receiver(self) -> Receiver:
        return Receiver(self._limits.max_packet_bytes, self._fold, self._parse)

    async def run(self) -> None:
        """Stay connected until cancelled."""
        while True:
            self._moved.clear()
            if why := refusal(self._spec.ip_address, self._limits.node_networks):
                self._fold(logging.WARNING, why, f"not connected: {why}")
                self._owner.state_entered(NodeState.REFUSED, error=why)
                await self._moved.wait()
                continue
            self._owner.state_entered(NodeState.CONNECTING)
            why = await self._connect_and_read()
            if self._moved.is_set():
                continue
            delay = self._backoff.failed()
            self._fold(logging.WARNING, why, f"{why}; next try in {delay:.1f} s")
            self._owner.state_entered(
                NodeState.BACKING_OFF, error=why, next_try=time.time() + delay
            )
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(delay):
                    await self._moved.wait()

    def halt(self, why: str) -> None:
        """Read nothing until this is called with an empty reason."""
        self._flow.halt(why)

    def configure(self, spec: NodeSpec) -> None:
        """Take a new name and limit; go on at another address."""
        old, self._spec = self._spec, spec
        self._flow.limit(self._rate)
        if old.max_events_per_second != spec.max_events_per_second:
            log.info("at most %d events/s are read from now on", self._rate)
        if old.address != spec.address:
            self._begin_again("moved")

    def _begin_again(self, why: str) -> None:
        self._moved.set()
        self.disconnect(why)
        if self._attempt and not self._attempt.expired():
            self._attempt.reschedule(0)

    def adjust(self, limits: NodeLimits) -> None:
        """Keep to these limits from now on."""
        address, before = self._spec.ip_address, self._limits.node_networks
        self._limits = limits
        self._backoff.cap = limits.backoff_cap
        self._flow.limit(self._rate)
        if bool(refusal(address, before)) != bool(refusal(address, limits.node_networks)):
            self._begin_again("other networks are allowed")

    def disconnect(self, why: str) -> None:
        """Close the connection, if there is one, with nothing more read."""
        if self._connection:
            self._connection.abort(why)

    def hold(self) -> None:
        """Backpressure: read nothing for now."""
        self._flow.hold()

    def go_on(self) -> None:
        """Read again."""
        self._flow.go_on()

    def committed(self, position: int) -> None:
        """Do nothing: a node expects nothing back."""

    async def _connect_and_read(self) -> str:
        """Connect, and read while the connection lasts; return why it ended."""
        try:
            async with asyncio.timeout(None) as self._attempt:  # ended by a move
                connection = await connect(self._spec, self._limits.connect_timeout, self._received)
        except ConnectionEndedError as error:
            return str(error)
        except TimeoutError:
            return "moved"
        finally:
            self._attempt = None
        if self._moved.is_set():  # just as it connected
            connection.abort("moved")
            return "moved"
        self._connection = connection
        self._numbers.connected()
        self._receiver = self._make_receiver()
        self._backoff.succeeded()
        self._fold(logging.INFO, "connected", "connected")
        self._enter_connected()
        self._flow_changed()
        try:
            why = await connection.ended()
        finally:
            connection.abort("stopped")
            self._connection = None
            self._forget_stall()
        if not self._moved.is_set():  # else it was the move that cut off its last packet
            self._hand_on(0, self._receiver.end())
        return why

    def _received(self, data: bytes) -> None:
        """Turn what one read returned into one batch, and hand it on."""
        was_midway = self._receiver.is_midway
        batch, lost = self._receiver.receive(data)
        if lost:
            self.disconnect(lost)
        self._hand_on(len(data), batch)
        if self._receiver.is_midway:
            now = time.monotonic()
            self._patience.read(now, begins=batch is not None or not was_midway)
            if self._stall is None:
                self._watch_stall(self._patience.left(self._limits, now))

    def _hand_on(self, read: int, batch: Batch | None) -> None:
        self._numbers.received(read, batch)
        packets = 0
        if batch:
            packets = len(batch.events) + batch.rejected
            self._owner.batch_received(batch)
        self._flow.took(packets, read)

    # What is read no faster than it may

    def _flow_changed(self) -> None:
        """Read, or do not; show whether the node is limited."""
        connection = self._connection
        if connection is None or not connection.is_open:
            return
        connection.portion = min(portion_at(self._rate), self._limits.retained_bytes)
        if self._flow.is_open:
            connection.resume()
            self._patience.resume(time.monotonic())
        else:
            connection.pause()
            self._patience.pause(time.monotonic())
        if self._flow.why != self._shown:
            self._enter_connected()

    def _enter_connected(self) -> None:
        self._shown = why = self._flow.why
        state = NodeState.LIMITED if why else NodeState.CONNECTED
        self._owner.state_entered(state, error=why)

    # A packet that takes too long

    def _watch_stall(self, seconds: float) -> None:
        self._stall = asyncio.get_running_loop().call_later(seconds, self._check_stall)

    def _check_stall(self) -> None:
        """Disconnect from a node that is too slow in the middle of a packet."""
        self._stall = None
        if not self._receiver.is_midway or self._connection is None:
            return
        now = time.monotonic()
        left = self._patience.left(self._limits, now)
        if left > 0:
            self._watch_stall(left)
            return
        self._hand_on(0, self._receiver.end(Reason.STALLED))
        self.disconnect(self._patience.complaint(self._limits, now))

    def _forget_stall(self) -> None:
        if self._stall:
            self._stall.cancel()
            self._stall = None
