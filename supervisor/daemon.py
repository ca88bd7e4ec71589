"""The supervisor's life: start the writer, follow the node table, relay, stop in order.

One event's way through here: `Fleet._from_node` -> `WriterLink.send`; its acknowledgement's way
back: `_from_writer` -> `Fleet.acknowledge`.
"""

import asyncio
import contextlib
import logging
import socket
from dataclasses import dataclass
from pathlib import Path

from setproctitle import setproctitle

from nodeproc.board import Board
from nodeproc.logs import speaker
from nodeproc.spool import SpoolLimits
from nodeproc.task import NodeLimits
from nodeproc.wire import Frame, Kind, NodeSpec
from supervisor.children import freeze, raise_descriptor_limit
from supervisor.endpoint import Endpoint, EndpointError, listening
from supervisor.fleet import Fleet
from supervisor.lock import StateDirectoryError, lock_state_directory
from supervisor.observer import Observer
from supervisor.signals import block_stop_signals, on_stop_signal
from supervisor.writer import WriterLink, WriterMain

log = logging.getLogger("birdwatcher.supervisor")

TITLE_INTERVAL = 0.1  # seconds: a hundred nodes that connect at once change the title once
WRITER_SHARE = 0.4  # of the time to stop is the writer's; the node processes come first
SPOOL_WAIT = 2.0  # seconds for node processes in a hurry to spool what they retain
KILL_WAIT = 5.0  # seconds for the kernel to bury what was killed


class RefusedError(Exception):
    """The daemon cannot run as configured; the message is one sentence for the operator."""


@dataclass(frozen=True)
class DaemonLimits:
    """What bounds the daemon."""

    node: NodeLimits
    spool: SpoolLimits
    stop_timeout: float = 10.0  # seconds from the first signal to the last process's end


def run_daemon(
    writer: WriterMain,
    limits: DaemonLimits,
    state_directory: Path,
    metrics: Endpoint | None = None,
) -> None:
    """Be the supervisor until a signal ends it.

    `writer` is what the writer process runs, `state_directory` is this daemon's own, `metrics` is
    where it tells how it does. Raises RefusedError when it cannot run there, or the writer cannot
    ever work.
    """
    speaker.become("supervisor")
    try:
        lock = lock_state_directory(state_directory)
    except StateDirectoryError as error:
        raise RefusedError(str(error)) from None
    raise_descriptor_limit()
    freeze()
    try:
        with contextlib.ExitStack() as stack:
            listener = stack.enter_context(listening(metrics)) if metrics else None
            asyncio.run(Supervisor(writer, limits, lock, listener).run())
    except EndpointError as error:
        raise RefusedError(str(error)) from None


class Supervisor:
    """Ties the node processes to the writer."""

    def __init__(
        self,
        writer: WriterMain,
        limits: DaemonLimits,
        lock: int,
        listener: socket.socket | None = None,
    ) -> None:
        """`lock`: the descriptor that holds the state directory's lock; `listener`: where metrics
        are asked for."""
        self._limits = limits
        self._lock = lock
        self._main = writer
        self._listener = listener
        self._board = Board()
        self._stop_asked = asyncio.Event()
        self._hurried = asyncio.Event()
        self._refusal: str | None = None
        self._title: asyncio.TimerHandle | None = None

    async def run(self) -> None:
        """Run until stopped. Raises RefusedError."""
        on_stop_signal(self._stop, self._hurry)
        self._fleet = Fleet(
            self._limits.node,
            self._limits.spool,
            self._lock,
            to_writer=lambda raw: self._writer.send(raw),
            on_change=self._changed,
        )
        self._writer = WriterLink(
            self._main,
            self._board,
            on_frame=self._from_writer,
            on_new_writer=self._fleet.resend,
            hold_back=self._fleet.pause,
            let_go=self._fleet.resume,
        )
        self._observer = Observer(self._fleet, self._writer, self._board)
        self._show_title()
        self._writer.start()
        observing = asyncio.create_task(self._observer.run(self._listener))
        observing.add_done_callback(_observing_ended)
        reconciling = asyncio.create_task(self._fleet.reconcile_forever())
        reconciling.add_done_callback(self._reconciling_ended)
        try:
            await self._stop_asked.wait()
            await self._wind_down()
        finally:
            reconciling.cancel()
            observing.cancel()
            block_stop_signals()
        if self._refusal:
            raise RefusedError(self._refusal)
        log.info("stopped")

    def _from_writer(self, frame: Frame) -> None:
        match frame.kind:
            case Kind.ACK:
                self._fleet.acknowledge(frame.value())
            case Kind.NODES if not self._stop_asked.is_set():
                self._fleet.want([NodeSpec(*row) for row in frame.value()])
            case Kind.REFUSED:
                self._refusal = frame.value()
                self._writer.stop()
                self._stop_asked.set()

    # The end

    def _stop(self, signal_name: str) -> None:
        log.info("%s: stopping", signal_name)
        self._stop_asked.set()

    def _hurry(self) -> None:
        log.warning("second signal: stopping at once")
        self._stop_asked.set()
        self._hurried.set()

    def _reconciling_ended(self, task: asyncio.Task[None]) -> None:
        """A bug in the reconciler must not leave a daemon that follows nothing."""
        if not task.cancelled() and (error := task.exception()):
            log.critical("reconciling failed; stopping", exc_info=error)
            self._refusal = "the supervisor failed; its log says why"
            self._stop_asked.set()

    async def _wind_down(self) -> None:
        """Stop the node processes, then the writer, each within its share of the time."""
        self._fleet.stop()
        total = self._limits.stop_timeout
        await self._patiently(self._fleet.gone, total * (1 - WRITER_SHARE))
        self._fleet.terminate()
        await _within(SPOOL_WAIT, self._fleet.gone)
        self._fleet.kill()
        await _within(KILL_WAIT, self._fleet.gone)
        self._writer.stop()
        await self._patiently(self._writer.gone, total * WRITER_SHARE)
        self._writer.kill()
        await _within(KILL_WAIT, self._writer.gone)

    async def _patiently(self, event: asyncio.Event, seconds: float) -> None:
        """Wait for `event`, at most so long, and no longer than until we are in a hurry."""
        await _within(seconds, event, self._hurried)

    # The title

    def _changed(self) -> None:
        if self._title is None:
            self._title = asyncio.get_running_loop().call_later(TITLE_INTERVAL, self._show_title)

    def _show_title(self) -> None:
        self._title = None
        count = len(self._fleet)
        nodes = "1 node" if count == 1 else f"{count} nodes"
        setproctitle(f"birdwatcher: supervisor {nodes}, {self._fleet.connected} connected")


def _observing_ended(task: asyncio.Task[None]) -> None:
    """The daemon goes on unwatched: its events matter more than its metrics."""
    if not task.cancelled() and (error := task.exception()):
        log.error("watching failed; there are no metrics from now on", exc_info=error)


async def _within(seconds: float, *events: asyncio.Event) -> None:
    """Wait until one of `events` is set, at most so many seconds."""
    waits = [asyncio.create_task(event.wait()) for event in events]
    _, pending = await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    for wait in pending:
        wait.cancel()
