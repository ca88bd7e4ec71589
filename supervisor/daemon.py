"""The supervisor: starts the writer, follows the node table, relays, stops in order.

One event's way through here: `Relay.from_node` -> `WriterLink.send`; its acknowledgement's way
back: `writer_sent` -> `Relay.acknowledge`.
"""

import asyncio
import contextlib
import logging
import os
import signal
import socket
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from nodeproc.delivery.spoolfile import SPOOL_DIRECTORY
from nodeproc.logs.speaker import speaker
from nodeproc.numbers.daemon import DaemonNumbers
from nodeproc.wire.frames import Frame, Kind, pack
from supervisor.children import freeze, reap_orphans
from supervisor.disks import Disks, DiskWatch
from supervisor.fleet import Fleet
from supervisor.lock import StateDirectoryBusyError, StateDirectoryError, lock_state_directory
from supervisor.metrics.endpoint import EndpointError, listening
from supervisor.observer import Observer
from supervisor.report import Report
from supervisor.resources import fold_exhaustion, raise_limits
from supervisor.settings import DaemonSettings
from supervisor.signals import block_signals, on_hangup, on_stop_signal, show_where_it_crashes
from supervisor.writer_link import WriterLink, WriterMain

log = logging.getLogger("birdwatcher.supervisor")

# Of the time to stop, at least for the writer; the node processes are stopped first, and use the
# rest only if they can neither commit nor spool.
WRITER_SHARE = 0.15
SPOOL_WAIT = 2.0  # seconds for node processes in a hurry to spool what they retain
KILL_WAIT = 5.0  # seconds for the kernel to end what was killed


class RefusedError(Exception):
    """The daemon cannot run; the message is one sentence for the operator."""

    def __init__(self, sentence: str, code: int = os.EX_CONFIG) -> None:
        """`code`: the exit code, EX_CONFIG unless trying again later may help (sysexits.h)."""
        super().__init__(sentence)
        self.code = code


class LostError(RefusedError):
    """The daemon ended, and lost events."""

    def __init__(self, events: int) -> None:
        super().__init__(
            f"Stopped, and {events} events are lost: they could be neither committed nor spooled. "
            "The log names the nodes.",
            os.EX_IOERR,
        )


# Reads the configuration again, sets the log level, and returns the settings. Raises ValueError
# with one sentence, and then has changed nothing.
Reload = Callable[[], DaemonSettings]


def run_daemon(
    writer: WriterMain,
    settings: DaemonSettings,
    state_directory: Path,
    places: Mapping[str, Path],
    reload: Reload,
) -> None:
    """Be the supervisor until a signal ends it.

    `writer` is what the writer process runs, `state_directory` is this daemon's own, `places` are
    directories whose disks are watched, by their use; SIGHUP calls `reload`. Raises RefusedError
    when it cannot run there, or the writer cannot work.
    """
    speaker.become("supervisor")
    show_where_it_crashes()
    # If SIGCHLD is inherited as ignored, the kernel reaps the children itself and their exit status
    # is lost.
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    try:
        lock = lock_state_directory(state_directory)
    except StateDirectoryBusyError as error:
        raise RefusedError(str(error), os.EX_TEMPFAIL) from None
    except StateDirectoryError as error:
        raise RefusedError(str(error)) from None
    raise_limits()
    freeze()
    try:
        with contextlib.ExitStack() as stack:
            metrics = settings.metrics
            listener = stack.enter_context(listening(metrics)) if metrics else None
            disks = Disks(places)
            supervisor = Supervisor(
                writer, settings, state_directory, disks, lock, reload, listener
            )
            asyncio.run(supervisor.run())
    except EndpointError as error:
        raise RefusedError(str(error)) from None


class Supervisor:
    """Ties the node processes to the writer. Implements `WriterOwner` and `FleetOwner`."""

    def __init__(
        self,
        writer: WriterMain,
        settings: DaemonSettings,
        state_directory: Path,
        disks: Disks,
        lock: int,
        reload: Reload,
        listener: socket.socket | None = None,
    ) -> None:
        """`lock`: the descriptor with the state directory's lock; `listener`: for the metrics."""
        self._settings = settings
        self._spool_dir = state_directory / SPOOL_DIRECTORY
        self._disks = disks
        self._lock = lock
        self._main = writer
        self._read_configuration = reload
        self._listener = listener
        self._numbers = DaemonNumbers()
        self._stop_asked = asyncio.Event()
        self._hurried = asyncio.Event()
        self._refusal: RefusedError | None = None

    async def run(self) -> None:
        """Run until stopped. Raises RefusedError."""
        handler = fold_exhaustion(log, "metrics")
        asyncio.get_running_loop().set_exception_handler(handler)
        on_stop_signal(self._stop, self._hurry)
        on_hangup(self._reload, lambda: self._stop("the terminal was closed"))
        settings = self._settings
        self._writer = WriterLink(self._main, self._numbers, settings.writer_timeout, self)
        self._fleet = Fleet(settings.node, self._spool_dir, self._lock, self._writer, self)
        self._watch = DiskWatch(self._disks, settings.disks, self._writer, self._fleet.halt)
        self._observer = Observer(self._fleet, self._writer, self._numbers, self._watch)
        self._report = Report(self._fleet, self._writer, self._observer)
        self._writer.start()
        observing = asyncio.create_task(self._observer.run(self._listener))
        observing.add_done_callback(_observing_ended)
        watching = asyncio.create_task(self._watch.run())
        reaping = asyncio.create_task(reap_orphans()) if os.getpid() == 1 else None
        reconciling = asyncio.create_task(self._fleet.reconcile_forever())
        reconciling.add_done_callback(self._reconciling_ended)
        try:
            await self._stop_asked.wait()
            await self._wind_down()
        finally:
            reconciling.cancel()
            observing.cancel()
            watching.cancel()
            if reaping:
                reaping.cancel()
            block_signals()
        if self._refusal:
            raise self._refusal
        if lost := self._fleet.lost:
            error = LostError(lost)
            self._report.stopping(KILL_WAIT, error)  # the last that the service manager shows
            raise error
        log.info("stopped")

    # From the writer and the fleet

    def writer_sent(self, frame: Frame) -> None:
        """Act on a frame from the writer."""
        match frame.kind:
            case Kind.ACK:
                self._fleet.relay.acknowledge(frame.value())
            case Kind.THROUGH:
                self._fleet.relay.through(frame.value())
            case Kind.NODES if not self._stop_asked.is_set():
                self._fleet.table_sent(frame.value())
            case Kind.GONE:
                self._fleet.relay.rows_missing(frame.value())
            case Kind.STAND_BY:
                self._fleet.stand_by(frame.value())
            case Kind.TAKEN_BACK:
                self._fleet.relay.resend(self._fleet.relay.generation)
            case Kind.REFUSED:
                code, sentence = frame.value()
                self._refusal = RefusedError(sentence, code)
                self._writer.stop()
                self._stop_asked.set()

    def writer_replaced(self, generation: int) -> None:
        """Have the new writer sent everything that is not committed."""
        self._fleet.relay.resend(generation)

    def writer_full(self) -> None:
        """Take nothing from the node processes."""
        self._fleet.relay.pause()

    def writer_drained(self) -> None:
        """Take from the node processes again."""
        self._fleet.relay.resume()

    def situation_changed(self) -> None:
        """Have it reported soon."""
        self._report.changed()

    def _reload(self) -> None:
        """Read the configuration again, and apply what can change without a restart."""
        if self._stop_asked.is_set():
            return
        self._report.reloading()
        try:
            self._settings = self._read_configuration()
        except ValueError as error:
            log.error("SIGHUP: not reloaded, everything stays as it was: %s", error)
        else:
            self._writer.adjust(self._settings.writer_timeout)
            self._fleet.adjust(self._settings.node)
            self._watch.limits = self._settings.disks
            log.info("SIGHUP: reloaded")
        self._writer.send(pack(Kind.RELOAD, logging.getLogger().level))
        self._report.changed()

    # The end

    def _stop(self, why: str) -> None:
        log.info("%s: stopping", why)
        self._stop_asked.set()

    def _hurry(self) -> None:
        log.warning("second signal: stopping at once")
        self._stop_asked.set()
        self._hurried.set()

    def _reconciling_ended(self, task: asyncio.Task[None]) -> None:
        """Stop at a bug in the reconciler: nothing would follow the node table any more."""
        if not task.cancelled() and (error := task.exception()):
            log.critical("reconciling failed; stopping", exc_info=error)
            self._refusal = RefusedError("The supervisor failed; its log says why.", os.EX_SOFTWARE)
            self._stop_asked.set()

    async def _wind_down(self) -> None:
        """Stop the node processes, then the writer, each within its share of the time."""
        total = self._settings.node.stop_timeout
        began = time.monotonic()
        self._report.stopping(total + SPOOL_WAIT + 2 * KILL_WAIT, self._refusal)
        self._fleet.stop()
        await self._patiently(self._fleet.roster.gone, total * (1 - WRITER_SHARE))
        self._fleet.terminate()
        await _within(SPOOL_WAIT, self._fleet.roster.gone)
        self._fleet.kill()
        await _within(KILL_WAIT, self._fleet.roster.gone)
        self._fleet.reserve.remove()
        self._writer.stop()
        left = began + total - time.monotonic()
        await self._patiently(self._writer.gone, max(left, total * WRITER_SHARE))
        self._writer.kill()
        await _within(KILL_WAIT, self._writer.gone)

    async def _patiently(self, event: asyncio.Event, seconds: float) -> None:
        """Wait for `event`, at most `seconds`, and not after a second signal."""
        await _within(seconds, event, self._hurried)


def _observing_ended(task: asyncio.Task[None]) -> None:
    """Go on without metrics: the events matter more."""
    if not task.cancelled() and (error := task.exception()):
        log.error("observing failed; there are no metrics from now on", exc_info=error)


async def _within(seconds: float, *events: asyncio.Event) -> None:
    """Wait until one of `events` is set, at most `seconds`."""
    waits = [asyncio.create_task(event.wait()) for event in events]
    _, pending = await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    for wait in pending:
        wait.cancel()
