"""How far each stream is committed, and which frame of it is next.

The rule that makes every frame take effect exactly once: within a stream, the frame after the
checkpoint is taken, and moves the checkpoint, in the same transaction; one at or before it was
committed earlier, and is only acknowledged again; one further on is left out, since those before it
are on their way again, unless a GAP frame says that they do not exist any more. A stream is taken
up with its RESUME frame, and only then.
"""

import datetime
from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from django.utils import timezone

from birdwatcher.common.database.tables import Part, Target
from birdwatcher.nodes.models import Node
from birdwatcher.writer.gather import Work
from birdwatcher.writer.models import Checkpoint
from nodeproc.wire.frames import Frame, Kind, UndecodableError, stream_began_at
from nodeproc.wire.messages import Ack
from nodeproc.wire.subjects import Stream, Subject

CHECKPOINTS = Target(Checkpoint, ("node", "stream"), ("sequence", "updated_at"))
REMEMBERED = 16  # streams of each device


class Setback(NamedTuple):
    """A stream of which the database has less than it confirmed, by numbers of batches."""

    stream: Stream
    found: int  # up to which the database has it
    confirmed: int  # up to which the database had it, so that its node process forgot it


class Streams:
    """The streams that were taken up, each with the next sequence number.

    It holds only what the database holds, or what a node process says that it was acknowledged.
    """

    def __init__(self, generation: int) -> None:
        """`generation`: of the writer; streams that were resumed for another are not taken up."""
        self._generation = generation
        self._doubted: set[Stream] = set()
        self.next: dict[Stream, int] = {}

    def doubt(self) -> None:
        """Ask the database for every checkpoint before the next commit."""
        self._doubted = set(self.next)

    def take_up(self, frames: Iterable[Frame]) -> list[Setback]:
        """Read the checkpoints of streams that are resumed, or that are in doubt.

        Return those of which the database has lost something: it is an older state of itself, such
        as a replica that had not caught up, or a restored backup. Raises django.db.Error.
        """
        resumed: dict[Stream, int] = {}
        for frame in frames:
            if frame.kind == Kind.RESUME and self._is_mine(frame):
                # The first of several: what follows it begins there.
                resumed.setdefault(frame.stream_key, frame.sequence)
        wanted = self._doubted | resumed.keys()
        if not wanted:
            return []
        found = _read(wanted)
        setbacks = []
        for stream in wanted:
            # The node process forgets only what was acknowledged: where it begins, all before was
            # committed, even if the checkpoint says otherwise (a restored backup, a deleted node).
            confirmed = resumed.get(stream, self.next.get(stream, 1)) - 1
            last = found.get(stream, 0)
            if last < confirmed:
                setbacks.append(Setback(stream, last, confirmed))
            self.next[stream] = max(last, confirmed) + 1
        self._doubted.clear()
        self._forget_ended({stream[:2] for stream in resumed}, keep=wanted)
        return _unexplained(setbacks)

    def _is_mine(self, resume: Frame) -> bool:
        try:
            return bool(resume.value() == self._generation)
        except UndecodableError:  # no program of ours sent it
            return False

    def _forget_ended(self, origins: set[tuple[int, int]], keep: Collection[Stream]) -> None:
        """Forget all but the newest few streams of each of `origins`: the others have ended."""
        by_origin: dict[tuple[int, int], list[Stream]] = {origin: [] for origin in origins}
        for stream in self.next:  # in the order in which they were taken up
            if stream[:2] in by_origin:
                by_origin[stream[:2]].append(stream)
        for streams in by_origin.values():
            for stream in streams[:-REMEMBERED]:
                if stream not in keep:
                    del self.next[stream]

    def advance(self, work: Work) -> None:
        """Take note that `work` is committed, but for devices that have no row: what came from them
        stays with their processes, and their streams have to be resumed."""
        gone = {(subject, it) for subject, its in work.by_subject.items() for it in its.dropped}
        for stream, following in work.next.items():
            if stream[:2] in gone:
                self.next.pop(stream, None)
            else:
                self.next[stream] = following

    def acknowledgements(self, frames: Iterable[Frame]) -> list[Ack]:
        """Return how far each stream of `frames` is committed."""
        streams = {frame.stream_key for frame in frames if frame.stream}
        return [Ack(*stream, self.next[stream] - 1) for stream in streams if stream in self.next]


# The table has the streams of nodes alone. A stream of no known subject has no checkpoint: nothing
# of it is written that could be written twice.


def _read(streams: Iterable[Stream]) -> dict[Stream, int]:
    """Return the sequence number up to which each of `streams` is committed, if there is one."""
    nodes = {node for subject, node, _ in streams if subject == Subject.NODES}
    found = Checkpoint.objects.filter(node__in=nodes).values_list("node", "stream", "sequence")
    return {(Subject.NODES, node, stream): last for node, stream, last in found}


def _unexplained(setbacks: list[Setback]) -> list[Setback]:
    """Leave out deleted nodes, and streams so old that their checkpoints may have been deleted."""
    if not setbacks:
        return []
    nodes = set(Node.objects.filter(pk__in={it.stream[1] for it in setbacks}).values_list("pk"))
    oldest = (timezone.now() - Checkpoint.KEPT_FOR).timestamp()
    return [
        it
        for it in setbacks
        if (it.stream[1],) in nodes and (it.found or stream_began_at(it.stream[2]) > oldest)
    ]


def checkpoints(work: Work) -> Part:
    """Return the checkpoints to be written with `work`, but for nodes without a row."""
    now = datetime.datetime.now(datetime.UTC)
    nodes = work.by_subject.get(Subject.NODES)
    dropped: Collection[int] = nodes.dropped if nodes else ()
    rows: Sequence[tuple[int, int, int, datetime.datetime]] = [
        (device, stream, following - 1, now)
        for (subject, device, stream), following in work.next.items()
        if subject == Subject.NODES and device not in dropped
    ]
    return CHECKPOINTS, rows
