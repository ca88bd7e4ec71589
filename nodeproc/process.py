"""The node process: stays connected to one node and hands its events to the supervisor.

One event's way through here: `TcpSource._received` (one read of the socket) -> `Receiver.receive`
(split, parsed, one batch) -> `NodeProcess.batch_received` -> `Uplink.hand_up` (retained, sent up
the pipe); and its acknowledgement's: `Uplink.frame_arrived` (forgotten) ->
`NodeProcess.batches_committed` -> `Source.committed`.
"""

import asyncio
import logging
import signal
from multiprocessing.connection import Connection

from setproctitle import setproctitle

from nodeproc.assignment import Assignment, Exit
from nodeproc.delivery.adoption import adopt
from nodeproc.delivery.outage import Outage
from nodeproc.delivery.outbox import Outbox
from nodeproc.delivery.spool import Spool, SpoolError
from nodeproc.delivery.spoolfile import spool_path, why
from nodeproc.delivery.uplink import Uplink
from nodeproc.logs.fold import Fold
from nodeproc.logs.speaker import speaker
from nodeproc.parent import watching
from nodeproc.reporting import StateReport
from nodeproc.sources.table import SOURCES
from nodeproc.states import NodeState
from nodeproc.text import printable
from nodeproc.wire.frames import Frame, Kind
from nodeproc.wire.messages import Adjustment, Batch, NodeSpec

log = logging.getLogger("birdwatcher.node")

SPOOL_AGAIN = 0.5  # seconds between two attempts to spool at the end
TAKE_UP_AGAIN = 30.0  # seconds between two attempts to take up what an earlier process left


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
    with watching(parent, lambda: process.finish(Exit.ORPHANED)):
        code = await process.run()
    # asyncio closes its end of the signals' pipe before it takes its handlers away.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    return code


class NodeProcess:
    """One node process: its source, what it retains, its state.

    Implements `SourceOwner` and `UplinkOwner`.
    """

    def __init__(self, connection: Connection, assignment: Assignment) -> None:
        """Begin on the pipe end `connection`; needs a running event loop."""
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(self._crashed)
        self._limits = assignment.limits
        self._numbers = assignment.numbers
        self._spec = assignment.spec
        self._report = StateReport()
        self._fold = Fold(log)
        self._stopping = False
        self._has_row = True  # in the database, as far as is known
        self._deadline: asyncio.TimerHandle | None = None
        self._outage = Outage()
        self._last_moment = 0.0  # by the loop's clock, once it is stopping
        self._end: asyncio.Future[Exit] = loop.create_future()
        self._introduce()
        make_source = SOURCES[self._spec.origin.subject]
        self._source = make_source(self._spec, self._limits, self._numbers, assignment.guard, self)
        self._source.halt(assignment.halted)
        origin, owner = self._spec.origin, self._spec.identity
        spool = Spool(assignment.spool_dir, origin, assignment.limits, owner)
        self._outbox = Outbox(origin, spool, assignment.generation)
        self._uplink = Uplink(connection, self._outbox, assignment.limits, self)
        self._adopts = assignment.aside
        self._spool_dir = assignment.spool_dir
        self._take_up()
        self._measure()
        self._running = asyncio.create_task(self._source.run())
        self._running.add_done_callback(self._source_ended)
        if not assignment.connect:
            self._disconnect()

    async def run(self) -> Exit:
        """Stay connected until asked to stop, or until the supervisor is gone."""
        code = Exit.CRASHED
        try:
            code = await self._end
        finally:
            self._running.cancel()
            # First: nothing would spool what is read while the loop ends.
            self._source.disconnect("ended")
            if lost := self._uplink.close():
                log.critical("%s", lost)
                code = Exit.LOST
            self._measure()
        return code

    def finish(self, code: Exit) -> None:
        """End the process with this exit code, unless it is ending already."""
        if not self._end.done():
            self._end.set_result(code)

    def _take_up(self) -> None:
        """Take up what an earlier process left and send it; if that fails, try again later."""
        try:
            damaged = 0
            if not self._outbox.is_spooling:
                self._adopt()
                damaged = self._outbox.take_up()
        except SpoolError as error:
            path = spool_path(self._spool_dir, self._spec.origin)
            says = f"its spool, {path}, cannot be read: {error}; next try in {TAKE_UP_AGAIN:g} s"
            self._fold(logging.ERROR, says, says)
            self.spooling_tried(str(error))
            asyncio.get_running_loop().call_later(TAKE_UP_AGAIN, self._take_up)
            return
        if damaged:
            log.warning("%d bytes of its spool are damaged and left out", damaged)
        if self._outbox.is_spooling:
            log.info("%d bytes are waiting in its spool", self._outbox.spooled_bytes)
            self._outage.begin()
        if self._report.trouble:
            self._report.trouble = ""
            self._report_state()
        self._uplink.start()

    def _adopt(self) -> None:
        """Take up what was set aside while the node had no row. Raises SpoolError."""
        try:
            adopt(self._spool_dir, self._spec, self._adopts)
        except OSError as error:
            raise SpoolError(why(error)) from None

    # From the source, and on to the writer

    def batch_received(self, batch: Batch) -> int:
        """Retain a batch until it is committed; return its position."""
        position = self._uplink.hand_up(Kind.BATCH, batch)
        self._measure()
        self.memory_changed()
        return position

    def batches_committed(self, position: int) -> None:
        """Let the source acknowledge what is in the database."""
        self._source.committed(position)

    def memory_changed(self) -> None:
        """Backpressure: take from the node only while there is room to retain what comes."""
        if self._uplink.is_full:
            self._source.hold()
        elif self._uplink.has_room:
            self._source.go_on()

    def spooling_tried(self, trouble: str | None) -> None:
        """Log and report what became of an attempt to spool."""
        if trouble is None:
            self._outage.begin()
            self._fold(logging.WARNING, "spooling", "nothing is committed for now; spooling")
        else:
            says = f"cannot spool: {trouble}; new events stay in memory while there is room"
            self._fold(logging.ERROR, trouble, says)
            if not self._outbox.is_spooling:
                self._outage.forget()
        self._report.trouble = f"cannot spool: {trouble}" if trouble else ""
        self._measure()
        self._report_state()

    def _measure(self) -> None:
        """Show the supervisor how much waits: at each change, which costs less than a timer."""
        self._numbers.measure(self._outbox)
        if self._outage and (says := self._outage.measure(self._outbox)):
            self._fold(logging.INFO, "committed again", says)

    # From the supervisor

    def supervisor_gone(self) -> None:
        """End: without a supervisor nothing can be committed."""
        self.finish(Exit.ORPHANED)

    def supervisor_said(self, frame: Frame) -> None:
        """Act on a frame from the supervisor."""
        match frame.kind:
            case Kind.ACKED:
                self._measure()
                if self._stopping and not self._uplink:
                    self.finish(Exit.DRAINED)
            case Kind.RESEND:  # another daemon may have written a state of its own
                self._has_row = True
                self._report.forget()
                self._report_state()
            case Kind.CONFIGURE:
                self._configure(frame.value())
            case Kind.STOP:
                self._stop()
            case Kind.LIMITS:
                self._adjust(frame.value())
            case Kind.HALT:
                self._source.halt(frame.value())
            case Kind.NODE_GONE:
                self._has_row = False
                self._leave_without_row()

    def _configure(self, spec: NodeSpec) -> None:
        """Take a new name; move to a new address."""
        old, self._spec = self._spec, spec
        self._introduce()
        self._outbox.belongs_to(spec.identity)
        if old.name != spec.name:
            log.info("renamed from %s", old.name)
        if self._stopping:
            return
        if old.address != spec.address:
            log.info("moved from %s; connecting there", old.address)
        self._source.configure(spec)

    def _adjust(self, to: Adjustment) -> None:
        """Keep to new limits from now on."""
        self._limits = to.limits
        self._source.adjust(self._limits)
        self._uplink.adjust(self._limits)
        logging.getLogger().setLevel(to.log_level)

    def _stop(self) -> None:
        """Disconnect, and end when everything received is acknowledged, or time is up."""
        self._disconnect()
        if self._deadline is None:
            loop = asyncio.get_running_loop()
            self._last_moment = loop.time() + self._limits.end_timeout
            patience = self._limits.drain_timeout
            self._deadline = loop.call_later(patience, self._time_is_up)
        self._leave_without_row()

    def _time_is_up(self) -> None:
        """Spool what is not committed, and end; while that fails, try both until the last moment.

        The database may be back by then, or the disk have room.
        """
        loop = asyncio.get_running_loop()
        left = self._last_moment - loop.time()
        trouble = self._uplink.spool_all()
        if trouble is None or left <= 0:
            self.finish(Exit.SPOOLED)
            return
        says = f"cannot spool: {trouble}; trying for {left:.1f} s more, then what is left is lost"
        self._fold(logging.ERROR, f"at the end: {trouble}", says)
        self._deadline = loop.call_later(min(SPOOL_AGAIN, left), self._time_is_up)

    def _leave_without_row(self) -> None:
        """End at once, if it is to end: nothing can be committed. Events are spooled, for the node
        may come back; what else is retained is about its state."""
        if self._has_row or not self._stopping:
            return
        if self._outbox.has_events:
            self.finish(Exit.SPOOLED)
        else:
            self._uplink.forget()
            self.finish(Exit.DRAINED)

    def _disconnect(self) -> None:
        if self._stopping:
            return
        self._stopping = True
        self._running.cancel()
        self._source.disconnect("stopped")
        log.info("stopped")
        self.state_entered(NodeState.STOPPED)

    # State

    def state_entered(
        self, state: NodeState, *, error: str = "", next_try: float | None = None
    ) -> None:
        """Show and report the source's new state."""
        is_news = self._report.enter(state, error)
        self._introduce()
        if is_news:
            self._report_state(next_try)
        self.memory_changed()

    def _report_state(self, next_try: float | None = None) -> None:
        if status := self._report.status(next_try):
            self._uplink.hand_up(Kind.STATUS, status)

    def _introduce(self) -> None:
        """Show the node and its state in the process list and in the log."""
        setproctitle(
            printable(f"birdwatcher: node {self._spec.id} {self._spec} {self._report.state}")
        )
        speaker.become(f"node={self._spec.id} {self._spec}", self._spec.origin, self._spec.name)

    # Crashes

    def _source_ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()):
            self._crashed(None, {"message": "listening failed", "exception": error})

    def _crashed(self, _: object, context: dict[str, object]) -> None:
        """End at a bug, with its traceback in the log; the supervisor starts another process."""
        error = context.get("exception")
        log.critical(
            "%s", context["message"], exc_info=error if isinstance(error, Exception) else None
        )
        self.finish(Exit.CRASHED)
