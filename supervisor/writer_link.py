"""The link to the writer: keeps a writer process running, and bounds what is on its way to it."""

import asyncio
import logging
import signal
import time
from collections.abc import Callable
from multiprocessing.connection import Connection

from nodeproc.backoff import Backoff
from nodeproc.logs.fold import Fold
from nodeproc.numbers.daemon import DaemonNumbers
from nodeproc.wire.frames import Frame, Kind
from supervisor.children import Child, describe_exit
from supervisor.protocols import WriterOwner
from supervisor.resources import words_for

log = logging.getLogger("birdwatcher.supervisor")

# The writer's entry point: (pipe, parent process id, generation, numbers) -> exit code.
WriterMain = Callable[[Connection, int, int, DaemonNumbers], int]
FIRST_GENERATION = 1

RESPAWN_BASE = 0.25  # seconds
RESPAWN_CAP = 10.0
RESPAWN_STABLE = 30.0
CONFIRM = 1.0  # seconds to read what a silent writer may have sent, before it is killed
# Seconds after the patience with one writer within which its successor should give a sign of life;
# if it does not, more than the writer has failed.
REPLACED_WITHIN = 30.0
OOM_SCORE = 300
HIGH_WATER = 4 * 1024 * 1024  # bytes waiting for the writer; above this the nodes are held back


class WriterLink:
    """Keeps one writer process running, and what goes to it bounded. Implements `ChildOwner`.

    A writer that gives no sign of life for `patience` seconds has hung, and is replaced. While
    there is no writer, what is sent to it is dropped: the node processes retain everything and send
    it again to the next one.
    """

    def __init__(
        self,
        main: WriterMain,
        numbers: DaemonNumbers,
        patience: float,
        owner: WriterOwner,
    ) -> None:
        """`patience` in seconds."""
        self._main = main
        self._numbers = numbers
        self.patience = patience
        self._owner = owner
        self._backoff = Backoff(base=RESPAWN_BASE, cap=RESPAWN_CAP, stable=RESPAWN_STABLE)
        self._fold = Fold(log)
        self._child: Child | None = None
        self._generation = FIRST_GENERATION - 1
        self._holding = False
        self._stopping = False
        self._respawn: asyncio.TimerHandle | None = None
        self._watch: asyncio.TimerHandle | None = None
        self._signed_at = self._progress_at = time.monotonic()
        self.database_trouble = ""  # why the writer has no database, as it reported
        self.restarts = 0  # writers that took the place of another
        self.gone = asyncio.Event()

    @property
    def pid(self) -> int | None:
        """The process id of the writer, None while there is none."""
        return self._child.pid if self._child else None

    def start(self) -> None:
        """Fork a writer. Raises OSError if that fails for the first one."""
        self._respawn = None
        self._generation += 1
        first = self._generation == FIRST_GENERATION
        try:
            self._child = Child(
                self._main,
                (self._generation, self._numbers),
                self,
                # A writer without its supervisor can acknowledge nothing. But it might wait for the
                # database for long, and keep the next daemon's writer out.
                tied=True,
                oom_score=OOM_SCORE,
            )
        except OSError as error:
            if first:
                raise
            self._start_again_later(f"cannot start a writer: {words_for(error)}")
            return
        self._backoff.succeeded()
        self._signed_at = time.monotonic()
        self._look_again(self.patience)
        if not first:
            self.restarts += 1
            self._release()
            self._owner.writer_replaced(self._generation)

    def send(self, raw: bytes) -> None:
        """Send one frame to the writer."""
        if self._child is None:
            return
        self._child.channel.send(raw)
        if not self._holding and self._child.channel.buffered > HIGH_WATER:
            self._holding = True
            self._owner.writer_full()

    def offer(self, raw: bytes) -> None:
        """Send one frame that will soon be outdated, unless others are waiting to be sent."""
        if self._child and not self._child.channel.buffered:
            self._child.channel.send(raw)

    def stop(self) -> None:
        """Make the writer commit what it has and end."""
        self._stopping = True
        if self._respawn:
            self._respawn.cancel()
        if self._child:
            self._child.signal(signal.SIGTERM)
        else:
            self.gone.set()

    def kill(self) -> None:
        """End the writer at once, and start no other."""
        self.stop()
        if self._child:
            self._child.kill()

    # Signs of life

    @property
    def makes_progress(self) -> bool:
        """Whether a writer has shown lately that it commits, is idle, or waits for a database."""
        return time.monotonic() - self._progress_at < self.patience + REPLACED_WITHIN

    def child_sent(self, frame: Frame) -> None:
        """Take a sign of life, or hand the frame to the owner."""
        if frame.kind == Kind.ALIVE:
            self._signed_at = self._progress_at = time.monotonic()
            self._in_trouble(frame.value())
        else:
            self._owner.writer_sent(frame)

    def _in_trouble(self, why: str) -> None:
        before, self.database_trouble = self.database_trouble, why
        if why != before:
            self._owner.situation_changed()

    def adjust(self, patience: float) -> None:
        """Take a writer for hung after `patience` seconds without a sign of life, from now on."""
        self.patience = patience
        if self._child:
            self._look_again(max(patience - (time.monotonic() - self._signed_at), 0.0))

    def _look_again(self, seconds: float, *, suspicious: bool = False) -> None:
        if self._watch:
            self._watch.cancel()
        self._watch = asyncio.get_running_loop().call_later(seconds, self._look, suspicious)

    def _look(self, suspicious: bool) -> None:
        """Replace a writer that has hung.

        Not at the first check: if this process itself was stopped for a while, it has yet to read
        what the writer sent meanwhile.
        """
        silent = time.monotonic() - self._signed_at
        if self._child is None:
            return
        if silent < self.patience:
            self._look_again(self.patience - silent)
        elif not suspicious:
            self._look_again(CONFIRM, suspicious=True)
        else:
            log.error("the writer gave no sign of life for %.0f s; killed", silent)
            self._child.kill()
            self._look_again(self.patience)

    def child_drained(self) -> None:
        """Let the nodes go on: everything has gone to the writer."""
        self._release()

    def _release(self) -> None:
        if self._holding:
            self._holding = False
            self._owner.writer_drained()

    def child_ended(self, code: int) -> None:
        """Start another writer, unless this one was to end."""
        self._child = None
        self._in_trouble("")  # the next writer will report its own
        if self._watch:
            self._watch.cancel()
        if self._stopping:
            if code < 0:
                log.error("the writer was %s", describe_exit(code))
            self.gone.set()
        else:
            self._start_again_later(f"the writer is gone: {describe_exit(code)}")

    def _start_again_later(self, why: str) -> None:
        delay = self._backoff.failed()
        self._fold(logging.ERROR, why, f"{why}; next writer in {delay:.1f} s")
        loop = asyncio.get_running_loop()
        self._respawn = loop.call_later(delay, self.start)
