"""The node process: stays connected to one node and hands its events to the supervisor.

One event's way through here: `Listener._received` (one read of the socket) -> `Receiver` (split,
parsed, one batch) -> `Uplink` (retained, sent up the pipe, forgotten when acknowledged).
"""

import asyncio
import contextlib
import logging
import os
import signal
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection

from setproctitle import setproctitle

from nodeproc.assignment import Assignment, Exit
from nodeproc.delivery.outbox import Outbox
from nodeproc.delivery.spool import Spool, SpoolError
from nodeproc.delivery.uplink import Uplink
from nodeproc.logs.fold import Fold
from nodeproc.logs.printable import printable
from nodeproc.logs.speaker import speaker
from nodeproc.sources.tcp.events import parse_event
from nodeproc.sources.tcp.receiver import Receiver
from nodeproc.sources.tcp.source import Listener
from nodeproc.states import NodeState, check_transition
from nodeproc.wire.frames import Frame, Kind
from nodeproc.wire.messages import Adjustment, Batch, NodeSpec, Status

log = logging.getLogger("birdwatcher.node")

STATUS_INTERVAL = 10.0  # seconds between reports of a state that has not changed


def run_node(connection: Connection, parent: int, assignment: Assignment) -> int:
    """Be the process of one node; return its exit code.

    `connection` is the pipe to the supervisor, whose process id is `parent`.
    """
    with asyncio.Runner() as runner:
        return runner.run(_run(connection, parent, assignment))


async def _run(connection: Connection, parent: int, assignment: Assignment) -> Exit:
    process = NodeProcess(connection, assignment)
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, process.finish, Exit.TERMINATED)
    with _watching(parent, process):
        code = await process.run()
    # asyncio closes its end of the signals' pipe before it takes its handlers away.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    return code


@contextlib.contextmanager
def _watching(parent: int, process: "NodeProcess") -> Iterator[None]:
    """End the process when its parent does."""
    loop = asyncio.get_running_loop()
    try:
        descriptor = os.pidfd_open(parent)
    except ProcessLookupError:
        process.finish(Exit.ORPHANED)
        yield
        return
    loop.add_reader(descriptor, process.finish, Exit.ORPHANED)
    if os.getppid() != parent:  # it died before the descriptor was open, and the id was used again
        process.finish(Exit.ORPHANED)
    try:
        yield
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)


class NodeProcess:
    """Everything one node process holds: the connection, what it retains, its state."""

    def __init__(self, connection: Connection, assignment: Assignment) -> None:
        """Begin on the pipe end `connection`; needs a running event loop."""
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(self._crashed)
        self._limits = assignment.limits
        self._numbers = assignment.numbers
        self._spec = assignment.spec
        self._parse = assignment.guard.parse_event if assignment.guard else parse_event
        self._state = NodeState.STARTING
        self._error = ""  # why it is not connected
        self._trouble = ""  # why it cannot spool
        self._reported: tuple[NodeState, str] | None = None
        self._reported_at = 0.0
        self._was_connected = False
        self._fold = Fold(log)
        self._stopping = False
        self._deadline: asyncio.TimerHandle | None = None
        self._end: asyncio.Future[Exit] = loop.create_future()
        self._introduce()
        self._listener = self._make_listener()
        spool = Spool(assignment.spool_dir, assignment.spec.origin, assignment.limits)
        trouble = _take_up(spool)
        self._outbox = Outbox(assignment.spec.origin, spool, assignment.generation)
        self._uplink = self._make_uplink(connection)
        self._uplink.start()
        self._measure()
        if trouble:
            self._spooled(trouble)
        self._listening = asyncio.create_task(self._listener.run())
        self._listening.add_done_callback(self._listening_ended)
        if not assignment.connect:
            self._disconnect()

    def _make_listener(self) -> Listener:
        return Listener(
            self._spec,
            lambda: Receiver(self._limits.max_packet_bytes, self._fold, self._parse),
            self._fold,
            self._numbers,
            self._limits,
            enter=self._enter,
            on_batch=self._hand_up,
        )

    def _make_uplink(self, connection: Connection) -> Uplink:
        return Uplink(
            connection,
            self._outbox,
            self._limits,
            on_told=self._told,
            on_gone=lambda: self.finish(Exit.ORPHANED),
            on_room=self._balance,
            on_spool=self._spooled,
        )

    async def run(self) -> Exit:
        """Stay connected until told to stop, or until the supervisor is gone."""
        code = Exit.CRASHED
        try:
            code = await self._end
        finally:
            self._listening.cancel()
            # First of all: what would be read while the loop comes to its end, nobody would spool.
            self._listener.disconnect("ended")
            if lost := self._uplink.close():
                log.critical("%s", lost)
                code = Exit.LOST
            self._measure()
        return code

    def finish(self, code: Exit) -> None:
        """End the process with this exit code, unless it is ending already."""
        if not self._end.done():
            self._end.set_result(code)

    # What is received, and what becomes of it

    def _hand_up(self, batch: Batch) -> None:
        self._uplink.hand_up(Kind.BATCH, batch)
        self._measure()
        self._balance()

    def _balance(self) -> None:
        """Backpressure: read the socket only while there is room to retain what comes."""
        if self._uplink.is_full:
            self._listener.hold()
        elif self._uplink.has_room:
            self._listener.go_on()

    def _spooled(self, trouble: str | None) -> None:
        """Say what became of an attempt to spool."""
        if trouble is None:
            self._fold(logging.WARNING, "spooling", "nothing is committed for now; spooling")
        else:
            says = f"cannot spool: {trouble}; what comes stays in memory, as far as it goes"
            self._fold(logging.ERROR, trouble, says)
        self._trouble = f"cannot spool: {trouble}" if trouble else ""
        self._measure()
        self._report()

    def _measure(self) -> None:
        """Show what waits to those who watch: at each change, for that takes less than a timer."""
        self._numbers.measure(self._outbox)

    # What the supervisor says

    def _told(self, frame: Frame) -> None:
        match frame.kind:
            case Kind.ACKED:
                self._measure()
                self._end_if_drained()
            case Kind.CONFIGURE:
                self._configure(frame.value())
            case Kind.STOP:
                self._stop()
            case Kind.LIMITS:
                self._adjust(frame.value())

    def _configure(self, spec: NodeSpec) -> None:
        """Take a new name; move to a new address."""
        old, self._spec = self._spec, spec
        self._introduce()
        if old.name != spec.name:
            log.info("renamed from %s", old.name)
        if old.address != spec.address and not self._stopping:
            log.info("moved from %s; connecting there", old.address)
            self._listener.move(spec)

    def _adjust(self, to: Adjustment) -> None:
        """Keep to other limits from now on."""
        self._limits = to.limits
        self._listener.adjust(self._limits)
        self._uplink.adjust(self._limits)
        logging.getLogger().setLevel(to.log_level)

    def _stop(self) -> None:
        """Disconnect, and end when everything received is acknowledged, or time is up."""
        self._disconnect()
        if self._deadline is None:
            loop = asyncio.get_running_loop()
            patience = self._limits.drain_timeout
            self._deadline = loop.call_later(patience, self.finish, Exit.SPOOLED)

    def _disconnect(self) -> None:
        if self._stopping:
            return
        self._stopping = True
        self._listening.cancel()
        self._listener.disconnect("stopped")
        log.info("stopped")
        self._enter(NodeState.STOPPED)

    def _end_if_drained(self) -> None:
        if self._stopping and not self._uplink:
            self.finish(Exit.DRAINED)

    # State

    def _enter(self, state: NodeState, *, error: str = "", next_try: float | None = None) -> None:
        check_transition(self._state, state)
        before, self._state, self._error = self._state, state, error
        self._introduce()
        # During an outage not each try is reported, but what is new, and now and then.
        trying_again = before is NodeState.BACKING_OFF and state is NodeState.CONNECTING
        if not trying_again:
            self._report(next_try)
        self._balance()

    def _report(self, next_try: float | None = None) -> None:
        """Hand the present state up, if it is another than at the last report, or that is old."""
        now = (self._state, self._error or self._trouble)
        if now == self._reported and time.monotonic() - self._reported_at < STATUS_INTERVAL:
            return
        connected = self._state is NodeState.CONNECTED
        newly = connected and (self._reported is None or self._reported[0] is not self._state)
        again, self._was_connected = newly and self._was_connected, self._was_connected or newly
        self._reported, self._reported_at = now, time.monotonic()
        status = Status(now[0].value, time.time(), os.getpid(), again, now[1], next_try)
        self._uplink.hand_up(Kind.STATUS, status)

    def _introduce(self) -> None:
        """Show who this is in the process list and in the log."""
        setproctitle(printable(f"birdwatcher: node {self._spec.id} {self._spec} {self._state}"))
        speaker.become(f"node={self._spec.id} {self._spec}", self._spec.origin, self._spec.name)

    # Crashes

    def _listening_ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()):
            self._crashed(None, {"message": "listening failed", "exception": error})

    def _crashed(self, _: object, context: dict[str, object]) -> None:
        """A bug shows itself: end, and leave the rest to the supervisor."""
        error = context.get("exception")
        log.critical(
            "%s", context["message"], exc_info=error if isinstance(error, Exception) else None
        )
        self.finish(Exit.CRASHED)


def _take_up(spool: Spool) -> str | None:
    """Take up what an earlier process left; return why that failed, or None."""
    try:
        damaged = spool.take_up()
    except SpoolError as error:
        return str(error)
    if damaged:
        log.warning("%d bytes of its spool are damaged and left out", damaged)
    if spool:
        log.info("%d bytes are waiting in its spool", spool.size)
    return None
