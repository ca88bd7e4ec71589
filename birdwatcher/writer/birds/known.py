"""Leaves out the events that another daemon received too, and has committed.

Both received the same events in the same order, but their connections and clocks differ. So what is
compared is neither the time of reception nor the order, but the events themselves, each row of the
other for one event of ours: a bird that the node sent twice to both stays two birds, and an event
that the other did not commit is never left out.
"""

import contextlib
import datetime
import logging
from collections import Counter, OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice

from django.db.models import Count, Q

from birdwatcher.birds.models import Bird
from birdwatcher.common.units import EPOCH, MICROSECOND
from birdwatcher.writer.gather import after_gap
from birdwatcher.writer.subjects import UNREADABLE
from birdwatcher.writer.succession import Keys, Succession
from nodeproc.logs.fold import Fold
from nodeproc.logs.speaker import about
from nodeproc.wire.frames import Frame, Kind, pack
from nodeproc.wire.messages import Batch, Event
from nodeproc.wire.subjects import Stream, Subject

log = logging.getLogger("birdwatcher.writer")

ASKED = 500  # times of events in one query
REMEMBERED = 50_000  # events that were left out; their rows are not used again

NodeEvents = Counter[tuple[int, Event]]  # how many there are of each event of each node


class KnownBirds:
    """The events of one ledger that another daemon has committed."""

    def __init__(self, succession: Succession) -> None:
        self._succession = succession
        self._fold = Fold(log)
        self._used: OrderedDict[tuple[int, Event], int] = OrderedDict()
        self._left_out: NodeEvents = Counter()  # of frames that are not yet committed

    def leave_out(self, frames: list[Frame], expected: Mapping[Stream, int]) -> list[Frame]:
        """Return `frames` without the events that another daemon has committed.

        `expected` has the next sequence number of each stream. Raises django.db.Error.
        """
        self._left_out = Counter()
        if not any(map(self._succession.concerns, frames)):
            return frames
        late = dict(self._opened(frames, dict(expected)))
        there = self._committed(late.values())
        shortened = list(frames)
        for place, (frame, batch) in late.items():
            if len(left := self._new(frame.id, batch.events, there)) < len(batch.events):
                shortened[place] = _with_events(frame, batch, left)
        return shortened

    def committed(self) -> int:
        """Remember what was left out, now that the rest is committed; return how many events."""
        for key, count in self._left_out.items():
            self._used[key] = self._used.pop(key, 0) + count
        while len(self._used) > REMEMBERED:
            self._used.popitem(last=False)
        by_node: Counter[int] = Counter()
        for (node, _), count in self._left_out.items():
            by_node[node] += count
        for node, count in by_node.items():
            says = f"node={node}: events are in the database already, from another daemon"
            self._fold(logging.WARNING, says, f"{says}: {count} left out", about(node))
        self._left_out = Counter()
        return by_node.total()

    def _opened(
        self, frames: Sequence[Frame], following: dict[Stream, int]
    ) -> Iterator[tuple[int, tuple[Frame, Batch]]]:
        """Yield the place of each batch that is next and may be known, and what is in it."""
        for place, frame in enumerate(frames):
            if frame.kind == Kind.GAP:
                if after := after_gap(frame, following.get(frame.stream_key)):
                    following[frame.stream_key] = after
                continue
            if frame.kind == Kind.RESUME or frame.sequence != following.get(frame.stream_key):
                continue
            following[frame.stream_key] = frame.sequence + 1
            if frame.subject == Subject.NODES and self._succession.concerns(frame):
                # If it cannot be read, `gather` will see to it.
                with contextlib.suppress(*UNREADABLE):
                    yield place, (frame, frame.value())

    def _committed(self, late: Iterable[tuple[Frame, Batch]]) -> NodeEvents:
        """Count the rows of others that are equal to these events and were not used before."""
        times: dict[int, dict[int, float]] = {}  # by node: when the events of a time came first
        for frame, batch in late:
            of_node = times.setdefault(frame.id, {})
            for microseconds, _, _ in batch.events:
                of_node.setdefault(microseconds, frame.received_at)
        there: NodeEvents = Counter()
        for node, of_node in times.items():
            keys = self._succession.committed_by_others(min(of_node.values()))
            if keys:
                there.update(_rows(node, list(of_node), keys))
        for key in there:
            there[key] -= self._used.get(key, 0)
        return there

    def _new(self, node: int, events: list[Event], there: NodeEvents) -> list[Event]:
        """Return those of `events` that are not `there`, and take the others from it."""
        left: list[Event] = []
        for event in events:
            key = (node, event)
            if there[key] > 0:
                there[key] -= 1
                self._left_out[key] += 1
            else:
                left.append(event)
        return left


def _rows(node: int, times: Sequence[int], keys: Sequence[Keys]) -> NodeEvents:
    """Count the birds of `node` with these times and keys."""
    within = Q()
    for after, upto in keys:
        within |= Q(pk__gt=after, pk__lte=upto)
    found: NodeEvents = Counter()
    rest = iter(times)
    while asked := list(islice(rest, ASKED)):
        moments = dict(_moments(asked))
        # With `doubtful`, the index of a node's birds serves.
        rows = Bird.objects.filter(within, node=node, doubtful__in=[False, True])
        counted = (
            rows.filter(timestamp__in=list(moments))
            .order_by()
            .values_list("timestamp", "species__name", "name")
        )
        for at, species, name, count in counted.annotate(count=Count("pk")):
            found[node, (moments[at], species, name)] += count
    return found


def _moments(times: Iterable[int]) -> Iterator[tuple[datetime.datetime, int]]:
    """Yield each of these times, in microseconds, with the moment that it is, if it can be one."""
    for microseconds in times:
        with contextlib.suppress(OverflowError):
            yield EPOCH + microseconds * MICROSECOND, microseconds


def _with_events(frame: Frame, batch: Batch, events: list[Event]) -> Frame:
    where = {"stream": frame.stream, "sequence": frame.sequence}
    return Frame.of(pack(Kind.BATCH, batch._replace(events=events), origin=frame.origin, **where))
