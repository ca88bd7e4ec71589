"""A commit: what the frames say, and how far their streams are, together in one transaction.

`Ledger.commit` goes down one road: take up the streams that are resumed, gather what is next in
each, write it, and acknowledge it. What the database will never take because of a value in it is
isolated on the way: by halves of the frames, by single frames, then by single rows. For everything
else (see `common.database.causes`) the frames wait.
"""

import logging
import time
from collections.abc import Callable
from typing import Any

from django.db import DataError, IntegrityError, OperationalError, connection, transaction

from birdwatcher.common.database import engine
from birdwatcher.common.database.causes import Cause, cause_of
from birdwatcher.writer.birds.intake import BirdIntake
from birdwatcher.writer.birds.known import KnownBirds
from birdwatcher.writer.checkpoints import Setback, Streams, checkpoints
from birdwatcher.writer.gather import Work, gather
from birdwatcher.writer.healing import raise_sequences
from birdwatcher.writer.subjects import Insert, Refuse, SubjectIntake
from birdwatcher.writer.succession import Succession
from nodeproc.logs.fold import Fold
from nodeproc.logs.speaker import about
from nodeproc.numbers.daemon import DaemonNumbers
from nodeproc.wire.frames import Frame
from nodeproc.wire.messages import Ack
from nodeproc.wire.reasons import Reason
from nodeproc.wire.subjects import Subject

log = logging.getLogger("birdwatcher.writer")

SUBJECTS: dict[int, Callable[[], SubjectIntake[Any]]] = {Subject.NODES: BirdIntake}

# What a database or its driver raises for a value that it will never take, among others.
POISON = (DataError, IntegrityError, OperationalError, OverflowError, UnicodeError)


class Ledger:
    """Commits frames, and remembers how far each stream is committed.

    It remembers only what the database holds: after any error it forgets that, and reads it again.
    """

    def __init__(
        self,
        generation: int = 0,
        numbers: DaemonNumbers | None = None,
        succession: Succession | None = None,
    ) -> None:
        """`generation`: of the writer; streams that were resumed for another are not taken up.

        `numbers`: where transactions are counted; `succession`: of the daemon, None if it has had
        the database for itself.
        """
        self._streams = Streams(generation)
        self._intakes = {subject: intake() for subject, intake in SUBJECTS.items()}
        self._numbers = numbers or DaemonNumbers()
        self._known = KnownBirds(succession or Succession(""))
        self._fold = Fold(log)
        self._gone: set[tuple[int, int]] = set()

    def commit(self, frames: list[Frame]) -> list[Ack]:
        """Commit `frames`, in their order; return the acknowledgements.

        Raises django.db.Error if the database cannot do it now: the same frames may be given again,
        after `doubt`. What the database will never take is isolated, logged and counted.
        """
        for setback in self._streams.take_up(frames):
            self._log_setback(setback)
        frames = self._known.leave_out(frames, self._streams.next)
        try:
            self._commit_in_halves(frames)
        except IntegrityError as error:
            if not _is_due_to(Cause.SEQUENCE, error) or not raise_sequences():
                raise
            self._commit_in_halves(frames)  # of which some may be committed: these are left out
        self._numbers.count_known(self._known.committed())
        return self._streams.acknowledgements(frames)

    def gone(self) -> list[tuple[int, int]]:
        """Return the devices that had no row in the commits since the last call. Nothing of theirs
        was committed, and it was not acknowledged."""
        gone, self._gone = sorted(self._gone), set()
        return gone

    def _note_gone(self, work: Work) -> None:
        for subject, gathered in work.by_subject.items():
            self._gone.update((subject, device) for device in gathered.dropped)

    def doubt(self) -> None:
        """Ask the database before the next commit: the last one may or may not have happened."""
        self._forget()
        self._streams.doubt()

    def reread(self) -> None:
        """Read the nodes' rows before the next commit: somebody may have changed them."""
        self._forget()

    def _commit_in_halves(self, frames: list[Frame]) -> None:
        """Commit what can be committed: halves, then single frames, then what is in them."""
        try:
            self._commit(frames)
        except POISON as error:
            if not _is_due_to(Cause.VALUE, error):
                raise
            if len(frames) == 1:
                self._commit(frames, sift=True)
                return
            middle = len(frames) // 2
            self._commit_in_halves(frames[:middle])
            self._commit_in_halves(frames[middle:])

    def _commit(self, frames: list[Frame], *, sift: bool = False) -> None:
        """Gather, write, remember; with `sift`, leave out what the database refuses."""
        work = gather(frames, self._streams.next, self._intakes)
        began = time.monotonic()
        try:
            self._write(work, sift=sift)
            engine().prove_kept()  # before anything is acknowledged
        except BaseException:
            self._forget()
            raise
        self._numbers.count_commit(
            work.events, work.rejected, time.monotonic() - began, set_aside=work.set_aside
        )
        self._streams.advance(work)
        self._note_gone(work)
        self._log_unreadable(work)
        for intake in self._intakes.values():
            intake.committed()

    def _write(self, work: Work, *, sift: bool) -> None:
        """Write all of it in one transaction: in one step if it is small, else in several."""
        if not work.by_subject:
            return
        gathered = [(self._intakes[subject], its) for subject, its in work.by_subject.items()]
        if len(gathered) == 1 and not sift:
            ((intake, its),) = gathered
            if intake.is_small(its) and intake.write_small(its, checkpoints(work)):
                return
        with transaction.atomic():
            engine().prove_lock()
            for intake, its in gathered:
                intake.write(its, self._sift if sift else _write_all)
            engine().upsert(*checkpoints(work))

    def _sift(
        self, what: str, items: list[Any], insert: Insert, refuse: Refuse = lambda _: None
    ) -> None:
        """Insert those of `items` that the database takes, by halves."""
        try:
            with transaction.atomic():
                insert(items)
        except POISON as error:
            if not _is_due_to(Cause.VALUE, error):
                raise
            self._forget()  # some of it may have been made, and unmade with the savepoint
            if len(items) == 1:
                node = items[0][0]
                why = f"node={node}: {what} was {Reason.REFUSED_BY_DATABASE}"
                self._fold(logging.ERROR, why, f"{why}: {error}", about(node))
                refuse(items[0])
                return
            middle = len(items) // 2
            self._sift(what, items[:middle], insert, refuse)
            self._sift(what, items[middle:], insert, refuse)

    def _log_setback(self, setback: Setback) -> None:
        """Say what an older state of the database lacks: nobody can send it again."""
        (_, node, _), found, confirmed = setback
        self._numbers.count_missing(confirmed - found)
        says = (
            f"node={node}: the database went back to an older state: it had confirmed batch "
            f"{confirmed} of this stream, and has it up to {found}. What was in these "
            f"{confirmed - found} batches is missing, unless it is found in the other state"
        )
        self._fold(logging.ERROR, "the database went back", says, about(node))

    def _log_unreadable(self, work: Work) -> None:
        for frame, why in work.unreadable:
            if frame.subject in self._intakes:
                who, extra = f"node={frame.id}", about(frame.id)
            else:
                who, extra = f"subject={frame.subject} id={frame.id}", {}
            says = f"{who}: what came from its process could not be read"
            self._fold(logging.ERROR, says, f"{says}: {why}", extra)

    def _forget(self) -> None:
        for intake in self._intakes.values():
            intake.forget()


def _is_due_to(cause: Cause, error: BaseException) -> bool:
    """Whether `error` has that cause, and the session did not end with it, and its lock."""
    return connection.connection is not None and cause_of(error) is cause


def _write_all(
    what: str, items: list[Any], insert: Insert, refuse: Refuse = lambda _: None
) -> None:
    """Insert all of `items`, or fail."""
    insert(items)
