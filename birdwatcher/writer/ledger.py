"""What is committed: birds, statuses, history and checkpoints, together in one transaction.

The rule that makes every frame take effect exactly once: within a stream, the frame behind the
checkpoint is taken, and moves the checkpoint, in the same transaction; one at or before it was
committed earlier, and is only acknowledged again; one further on is left out, since those before it
are on their way again. A stream is taken up with its RESUME frame, and only then.
"""

from __future__ import annotations

import datetime
import logging
import time
from collections.abc import Callable, Collection, Iterable
from typing import Any

from django.db import DataError, IntegrityError, connection, transaction

from birdwatcher.birds.models import Bird
from birdwatcher.common.database import engine
from birdwatcher.common.database.tables import Owner, Part, Target, Values, values_of
from birdwatcher.nodes.models import Node, NodeStatus, RejectedPacket, StatusChange
from birdwatcher.rollups import counting
from birdwatcher.rollups.counting import SUMS
from birdwatcher.writer import statements
from birdwatcher.writer.gather import NodeReport, Work, gather
from birdwatcher.writer.locks import hold_nodes
from birdwatcher.writer.models import Checkpoint
from birdwatcher.writer.retention import Growth
from birdwatcher.writer.species import SpeciesKeys
from birdwatcher.writer.statements import NodeEvent
from nodeproc.logs.fold import Fold
from nodeproc.logs.speaker import about
from nodeproc.numbers.daemon import DaemonNumbers
from nodeproc.wire.frames import Frame, Kind
from nodeproc.wire.messages import Ack
from nodeproc.wire.reasons import Reason
from nodeproc.wire.subjects import Stream

log = logging.getLogger("birdwatcher.writer")

BIRDS = Target(Bird)
STATUSES = Target(
    NodeStatus,
    ("node",),
    ("state", "since", "pid", "last_event_at", "events", "rejected", "reconnects", "error",
     "last_error", "next_try", "recent", "recent_minute"),
)  # fmt: skip
CHECKPOINTS = Target(Checkpoint, ("node", "stream"), ("sequence", "updated_at"))
NODES = Owner(Node, "node")
FEW = 100  # events; with many more, the usual way is quicker
STREAMS_REMEMBERED = 16  # of each node
# What a database or its driver raises for a value that it will never take.
POISON = (DataError, IntegrityError, OverflowError, UnicodeError)

Insert = Callable[[list[Any]], None]
Refuse = Callable[[Any], None]


class Ledger:
    """Commits frames, and remembers how far each stream is committed.

    Its memory is only ever what the database holds: after any error it is thrown away and read
    again.
    """

    def __init__(self, generation: int = 0, numbers: DaemonNumbers | None = None) -> None:
        """`generation`: of the writer; streams that were resumed for another are not taken up.

        `numbers`: where transactions are counted.
        """
        self._generation = generation
        self._numbers = numbers or DaemonNumbers()
        self._fold = Fold(log)
        self._next: dict[Stream, int] = {}
        self._doubted: set[Stream] = set()
        self._growth = Growth()
        self._species = SpeciesKeys()
        self._forget()

    def _forget(self) -> None:
        self._species.forget()
        self._statuses: dict[int, NodeStatus] = {}

    def doubt(self) -> None:
        """A commit may or may not have happened: ask the database before the next one."""
        self._forget()
        self._doubted = set(self._next)

    def commit(self, frames: list[Frame]) -> list[Ack]:
        """Commit `frames`, in their order; return the acknowledgements.

        Raises django.db.Error if the database cannot do it now: the same frames may be given again,
        after `doubt`. What the database will never take is isolated, logged and counted.
        """
        streams = {frame.stream_key for frame in frames if frame.stream}
        self._take_up(frames)
        try:
            self._commit(frames)
        except POISON:  # most likely, a species was deleted since it was last read
            if connection.connection is None:  # the session ended with it, and its lock
                raise
            self._commit_around_poison(frames)
        return [Ack(*stream, self._next[stream] - 1) for stream in streams if stream in self._next]

    def _take_up(self, frames: list[Frame]) -> None:
        """Read the checkpoints of streams that are resumed, or that are in doubt."""
        resumed = {
            frame.stream_key: frame.sequence
            for frame in frames
            if frame.kind == Kind.RESUME and frame.value() == self._generation
        }
        wanted = self._doubted | resumed.keys()
        if not wanted:
            return
        found = _read_checkpoints(wanted)
        for stream in wanted:
            known = self._next.get(stream, 1)
            # The node process forgets only what was acknowledged: where it begins, all before is
            # committed, even if the checkpoint says otherwise (a restored backup, a deleted node).
            self._next[stream] = max(found.get(stream, 0) + 1, resumed.get(stream, known))
        self._doubted.clear()
        self._forget_ended({stream[:2] for stream in resumed}, keep=wanted)

    def _forget_ended(self, origins: set[tuple[int, int]], keep: Collection[Stream]) -> None:
        """Of each of `origins`, remember only the newest few streams: the others have ended."""
        by_origin: dict[tuple[int, int], list[Stream]] = {origin: [] for origin in origins}
        for stream in self._next:  # in the order in which they were taken up
            if stream[:2] in by_origin:
                by_origin[stream[:2]].append(stream)
        for streams in by_origin.values():
            for stream in streams[:-STREAMS_REMEMBERED]:
                if stream not in keep:
                    del self._next[stream]

    def _commit_around_poison(self, frames: list[Frame]) -> None:
        """Commit what can be committed: halves, then single frames, then what is in them."""
        try:
            self._commit(frames)
        except POISON:
            if len(frames) == 1:
                self._commit(frames, sift=True)
                return
            middle = len(frames) // 2
            self._commit_around_poison(frames[:middle])
            self._commit_around_poison(frames[middle:])

    def _commit(self, frames: list[Frame], *, sift: bool = False) -> None:
        work = gather(frames, self._next)
        began = time.monotonic()
        try:
            self._write(work, sift=sift)
        except BaseException:
            self._forget()
            raise
        rejected = sum(report.rejected for report in work.by_node.values())
        self._numbers.count_commit(len(work.events), rejected, time.monotonic() - began)
        self._next.update(work.next)
        for node, why in work.unreadable:
            says = f"node={node}: what came from its process could not be read"
            self._fold(logging.ERROR, says, f"{says}: {why}", about(node))
        self._growth.trim()

    def _write(self, work: Work, *, sift: bool) -> None:
        """Write all of it, in one transaction."""
        if not sift and self._is_small(work):
            self._write_at_once(work)
        else:
            with transaction.atomic():
                self._write_in_steps(work, sift=sift)

    def _is_small(self, work: Work) -> bool:
        """Whether there are but a few events, and nothing else."""
        return (
            len(work.events) <= FEW
            and not any(report.statuses or report.rejected for report in work.by_node.values())
            and self._species.has(name for _, (_, name, _), _ in work.events)
        )

    def _write_at_once(self, work: Work) -> None:
        nodes = set(work.by_node)
        species = self._species.of({name for _, (_, name, _), _ in work.events})
        statuses, _ = self._statuses_after(work.by_node.items())
        parts: list[Part] = [
            (BIRDS, [statements.bird(*event, species) for event in work.events]),
            (STATUSES, statuses),
            (CHECKPOINTS, _checkpoints(work)),
        ]
        groups = statements.groups(work.events, species)
        deleted = nodes - engine().commit_few(NODES, nodes, parts, SUMS, groups)
        for node in deleted:
            del self._statuses[node]
        _drop(work, deleted)

    def _write_in_steps(self, work: Work, *, sift: bool) -> None:
        write = self._sift if sift else _write_all
        _drop(work, work.by_node.keys() - hold_nodes(work.by_node.keys()))
        write("an event", work.events, self._insert_birds, work.refuse)
        # Behind the events, of which some may have become rejected packets.
        write("a rejected packet", work.rejections, self._insert_rejections)
        write("a status", list(work.by_node.items()), self._update_statuses)
        engine().upsert(CHECKPOINTS, _checkpoints(work))

    def _sift(
        self, what: str, items: list[Any], insert: Insert, refuse: Refuse = lambda _: None
    ) -> None:
        """Insert those of `items`, each of which begins with its node, that the database takes.

        Each of the others is logged as `what`, and `refuse` is called with it.
        """
        try:
            with transaction.atomic():
                insert(items)
        except POISON as error:
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

    def _insert_birds(self, events: list[NodeEvent]) -> None:
        species = self._species.of({name for _, (_, name, _), _ in events})
        engine().insert(BIRDS, (statements.bird(*event, species) for event in events))
        counting.add(statements.groups(events, species))

    def _insert_rejections(self, rejections: list[tuple[int, RejectedPacket]]) -> None:
        packets = [packet for _, packet in rejections]
        self._growth.add(RejectedPacket.objects.bulk_create(packets))

    def _update_statuses(self, reports: list[tuple[int, NodeReport]]) -> None:
        statuses, changes = self._statuses_after(reports)
        if changes:
            self._growth.add(StatusChange.objects.bulk_create(changes))
        engine().upsert(STATUSES, statuses)

    def _statuses_after(
        self, reports: Iterable[tuple[int, NodeReport]]
    ) -> tuple[list[Values], list[StatusChange]]:
        """Return the statuses as they are to be after `reports`, and what changed."""
        missing = [node for node, _ in reports if node not in self._statuses]
        if missing:
            self._statuses.update(NodeStatus.objects.in_bulk(missing))
        changes: list[StatusChange] = []
        for node, report in reports:
            row = self._statuses.get(node)
            self._statuses[node], changed = report.applied_to(row, node)
            changes.extend(changed)
        return [values_of(self._statuses[node]) for node, _ in reports], changes


def _write_all(
    what: str, items: list[Any], insert: Insert, refuse: Refuse = lambda _: None
) -> None:
    """Insert all of `items`, or fail."""
    insert(items)


def _drop(work: Work, deleted: set[int]) -> None:
    """Leave out what concerns nodes that are no more."""
    for node in deleted:
        events = work.drop(node)
        if events:
            text = "node=%d was deleted: %d of its events dropped"
            log.info(text, node, events, extra=about(node))


def _read_checkpoints(streams: Iterable[Stream]) -> dict[Stream, int]:
    """Return the sequence number up to which each of `streams` is committed, where there is one."""
    keys = {(node, stream): key for key in streams for _, node, stream in [key]}
    rows = Checkpoint.objects.filter(node__in={node for node, _ in keys})
    found = rows.values_list("node", "stream", "sequence")
    return {keys[node, stream]: last for node, stream, last in found if (node, stream) in keys}


def _checkpoints(work: Work) -> list[Values]:
    now = datetime.datetime.now(datetime.UTC)
    return [
        (node, stream, following - 1, now)
        for (_, node, stream), following in work.next.items()
        if node not in work.dropped
    ]
