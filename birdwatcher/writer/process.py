"""The writer process: the daemon's only one that touches the database, in both directions.

It commits what is waiting in one transaction and only then looks again (group commit): an idle
system is prompt, a busy one efficient (see `pace`). If more is waiting than a transaction may have
(`budget`), it takes the nodes in turn (`turns`). Between commits it reports changes of the node
table to the supervisor.
"""

import contextlib
import logging
import time
from collections import Counter
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

import django.db
from django.conf import settings
from django.db import connection as database
from setproctitle import setproctitle

from birdwatcher.common.database import engine, first_line
from birdwatcher.common.database.opened import ReplacedError
from birdwatcher.daemon.instance import instance_of
from birdwatcher.writer.birds.adoption import Adoption
from birdwatcher.writer.budget import Budget
from birdwatcher.writer.healing import raise_sequences
from birdwatcher.writer.heartbeat import Heartbeat
from birdwatcher.writer.inbox import Inbox
from birdwatcher.writer.ledger import Ledger
from birdwatcher.writer.pace import Pace
from birdwatcher.writer.retention import Retention
from birdwatcher.writer.session import (
    LockedError,
    RefusedError,
    check_migrations,
    open_session,
    read_nodes,
)
from birdwatcher.writer.succession import Succession
from birdwatcher.writer.turns import Turns, rows_of
from nodeproc.backoff import Backoff
from nodeproc.logs.fold import Fold
from nodeproc.logs.speaker import speaker
from nodeproc.numbers.daemon import DaemonNumbers
from nodeproc.wire.frames import Frame, Kind, pack
from nodeproc.wire.messages import NodeSpec, Through
from supervisor.writer_link import FIRST_GENERATION

log = logging.getLogger("birdwatcher.writer")

EXIT_UNCOMMITTED = 71  # ended while the database was away; node processes retain the events
RETRY_BASE, RETRY_CAP, RETRY_STABLE = 0.25, 5.0, 10.0  # seconds
WHEN_REPLACED = (
    "what was committed until now is in the old file alone; everything that is not acknowledged is "
    "committed to the new one"
)
SIGN_INTERVAL = 1.0  # seconds, at least, between two signs of life to the supervisor
# Bytes that wait for a transaction; above this they stay in the pipe. The supervisor bounds what
# comes of one node (`supervisor.windows`), so this takes many nodes that flood at the same time.
MAX_WAITING = 16 * 1024 * 1024
FULL_READ = 30.0  # seconds after which the node table is read although nothing changed


def run_writer(
    connection: Connection, _parent: int, generation: int, numbers: DaemonNumbers
) -> int:
    """Run as the writer process; return the exit code.

    `connection` is the pipe to the supervisor. The daemon's first writer refuses what those of a
    later `generation` wait for. It counts its transactions in `numbers`, where it also finds the
    supervisor's summary. Nothing is done about the supervisor's death: it is the writer's too.
    """
    speaker.become("writer")
    return Writer(Inbox(connection), generation, numbers).run()


class Writer:
    """What the writer process holds: its pipe, its database session, the frames under way."""

    def __init__(self, inbox: Inbox, generation: int, numbers: DaemonNumbers) -> None:
        self._inbox = inbox
        self._first = generation == FIRST_GENERATION
        self._session = open_session()
        self._succession = Succession(instance_of(settings.BIRDWATCHER.state_dir))
        self._ledger = Ledger(generation, numbers, self._succession)
        self._pace = Pace()
        self._retention = Retention()
        self._adoption = Adoption()
        self._budget = Budget()
        self._turns = Turns()
        self._pending: list[Frame] = []  # those that are being committed
        self._reported: list[NodeSpec] | None = None
        self._read_at = 0.0
        self._heartbeat = Heartbeat(numbers)
        self._signed_at = 0.0
        self._fold = Fold(log)
        self._backoff = Backoff(base=RETRY_BASE, cap=RETRY_CAP, stable=RETRY_STABLE)

    def run(self) -> int:
        """Serve the database until asked to end; reconnect whenever it goes away."""
        with database.execute_wrapper(self._execute):
            return self._run()

    def _run(self) -> int:
        while True:
            try:
                self._open()
                self._serve()
                return 0
            except RefusedError as error:
                # Only at the start: later, it may be that a dump is being restored.
                if self._first:
                    return self._refuse(error)
                if isinstance(error, LockedError):
                    self._stand_by(str(error))
                self._away(str(error))
            except (django.db.OperationalError, django.db.InterfaceError) as error:
                if isinstance(error, ReplacedError):
                    log.error("%s: %s", error, WHEN_REPLACED)
                self._away(first_line(error))
            except django.db.Error as error:
                self._away(first_line(error), refused=True)
            if self._inbox.ending:
                log.warning("stopped without a database")
                return EXIT_UNCOMMITTED

    # The database comes and goes

    def _open(self) -> None:
        self._introduce("connecting to the database")
        self._session.open()
        check_migrations()
        raise_sequences()
        from_another = self._succession.take_over()
        self._heartbeat.register(first=self._first or from_another)
        if from_another:
            self._inbox.send(pack(Kind.TAKEN_BACK))
        self._backoff.succeeded()
        self._first = False
        self._reported = None
        self._introduce("ready")
        log.info("serving the database (%s)", engine().name)

    def _away(self, why: str, *, refused: bool = False) -> None:
        """Leave a database that cannot be used now, and wait before the next try.

        `refused`: it answers, and refuses something for which no event is to blame.
        """
        self._session.close()
        self._ledger.doubt()
        delay = self._backoff.failed()
        level, says = logging.WARNING, "no database"
        if refused:
            level, says = logging.ERROR, "the database refuses to work, and the events wait"
        self._fold(level, why, f"{says}: {why}; next try in {delay:.1f} s")
        self._introduce("waiting for the database")
        self._give_sign(why)
        until = time.monotonic() + delay
        while not self._inbox.ending and (left := until - time.monotonic()) > 0:
            self._inbox.wait(left, pipe=False)

    def _stand_by(self, why: str) -> None:
        """Have the nodes left to the daemon that has the lock now, and show that in the database.

        What this daemon received is retained, and committed once it has the lock again.
        """
        self._inbox.send(pack(Kind.STAND_BY, why))
        with contextlib.suppress(django.db.Error):
            self._succession.stand_by()

    def _refuse(self, error: RefusedError) -> int:
        self._session.close()
        self._inbox.send(pack(Kind.REFUSED, (error.code, str(error))))
        return error.code

    def _introduce(self, doing: str) -> None:
        setproctitle(f"birdwatcher: writer {doing} ({engine().name})")

    # While it is there

    def _serve(self) -> None:
        """Commit and report until asked to end. Raises django.db.Error."""
        while True:
            ending = self._inbox.ending
            if not (ending or self._turns) and (pause := self._pace.wait()):
                self._inbox.wait(pause, pipe=False)
            self._read()
            self._pending = self._pending or self._turns.take(self._budget.rows)
            if self._pending:
                self._commit()
            elif ending:
                break
            else:
                self._wait()
            self._report_nodes()
            self._heartbeat.show()
            self._retention.prune()
            self._adoption.step()
            self._sign()
        self._heartbeat.stopped()
        log.info("stopped")

    def _read(self) -> None:
        """Let frames wait for their transaction; handle those that are for the writer at once."""
        frames: list[Frame] = []
        for frame in self._inbox.take(MAX_WAITING - self._turns.size):
            match frame.kind:
                case Kind.RELOAD:
                    logging.getLogger().setLevel(frame.value())
                    self._read_at = 0.0
                case Kind.PROCESSES:
                    self._heartbeat.measured(*frame.value())
                case Kind.DISKS:
                    self._heartbeat.disks = frame.value()
                case _:
                    frames.append(frame)
        self._turns.add(frames)

    def _wait(self) -> None:
        due = min(self._heartbeat.due, self._read_at + FULL_READ, self._adoption.due)
        due -= time.monotonic()
        seconds = min(max(due, 0.0), self._session.patience())
        self._inbox.wait(seconds, self._session.descriptor)

    def _commit(self) -> None:
        self._pace.committing(len(self._pending))
        began = time.monotonic()
        acknowledgements = self._ledger.commit(self._pending)
        self._budget.spent(sum(map(rows_of, self._pending)), time.monotonic() - began)
        through = _through(self._pending)
        self._pending = []
        says = pack(Kind.ACK, acknowledgements) if acknowledgements else b""
        self._inbox.send(says + pack(Kind.THROUGH, through))
        if gone := self._ledger.gone():
            self._inbox.send(pack(Kind.GONE, gone))
            # They may be back already: the supervisor learns it from the table that comes next.
            self._reported, self._read_at = None, 0.0

    def _report_nodes(self) -> None:
        """Send the node table to the supervisor, if it may have changed."""
        now = time.monotonic()
        changed = self._session.nodes_may_have_changed()
        if not changed and now - self._read_at < FULL_READ:
            return
        self._read_at = now
        self._adoption.look()
        if changed:  # a node may have been deleted, and made again under its key
            self._ledger.reread()
        nodes = read_nodes()
        if nodes != self._reported:
            log.info("enabled nodes: %d", sum(node.enabled for node in nodes))
            self._reported = nodes
            self._inbox.send(pack(Kind.NODES, nodes))

    # Signs of life

    def _execute(
        self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any
    ) -> Any:
        """Run one statement for Django; each that ends is a sign of life."""
        result = execute(sql, params, many, context)
        self._sign()
        return result

    def _sign(self) -> None:
        if time.monotonic() - self._signed_at >= SIGN_INTERVAL:
            self._give_sign()

    def _give_sign(self, away: str = "") -> None:
        """Send a sign of life to the supervisor, and the reason why the database is away."""
        self._signed_at = time.monotonic()
        self._inbox.send(pack(Kind.ALIVE, away))


def _through(frames: list[Frame]) -> list[Through]:
    """Return how much of each node `frames` are, but for what the supervisor says of it."""
    sizes: Counter[tuple[int, int]] = Counter()
    for frame in frames:
        if frame.stream:
            sizes[frame.subject, frame.id] += len(frame.raw)
    return [Through(*node, size) for node, size in sizes.items()]
