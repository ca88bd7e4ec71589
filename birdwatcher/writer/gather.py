"""What a number of frames amounts to, before any of it is written."""

from __future__ import annotations

import datetime
import time
from collections import Counter, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from django.utils import timezone

from birdwatcher.common.units import EPOCH
from birdwatcher.nodes import rates
from birdwatcher.nodes.models import NodeStatus, RejectedPacket, StatusChange
from birdwatcher.writer.statements import (
    NodeEvent,
    as_packet,
    enter,
    moment,
    refused,
    rejected_packet,
)
from nodeproc.states import NodeState
from nodeproc.wire.frames import Frame, Kind, UndecodableError
from nodeproc.wire.messages import Batch, Status
from nodeproc.wire.subjects import Stream

# What opening a frame raises if no program of ours can have packed it, or a time in it is none.
UNREADABLE = (UndecodableError, ValueError, OverflowError)


@dataclass
class NodeReport:
    """What changes in the status of one node."""

    statuses: list[Status] = field(default_factory=list)  # in their order
    events: int = 0
    rejected: int = 0
    # No more of them than are kept at all, however many one transaction brings.
    rejections: deque[RejectedPacket] = field(
        default_factory=lambda: deque(maxlen=RejectedPacket.KEPT)
    )
    last_event_at: datetime.datetime | None = None
    minutes: Counter[int] = field(default_factory=Counter)  # events received in each

    def applied_to(
        self, row: NodeStatus | None, node: int
    ) -> tuple[NodeStatus, Iterable[StatusChange]]:
        """Return the row of the status table as it is to be now, and the newest of its changes.

        `row` is what it was, or None; it may be changed.
        """
        row = row or NodeStatus(node_id=node, state="", since=EPOCH, error="")
        row.events += self.events
        row.rejected += self.rejected
        if self.last_event_at is not None:
            row.last_event_at = self.last_event_at
            rates.add(row, self.minutes, timezone.now())
        changes: deque[StatusChange] = deque(maxlen=StatusChange.KEPT)
        for status in self.statuses:
            if change := enter(row, status):
                changes.append(change)
        row.state = row.state or NodeState.STARTING
        return row, changes


@dataclass
class Work:
    """Everything that one transaction writes."""

    events: list[NodeEvent] = field(default_factory=list)
    by_node: dict[int, NodeReport] = field(default_factory=dict)
    next: dict[Stream, int] = field(default_factory=dict)  # the next sequence number of each stream
    dropped: set[int] = field(default_factory=set)  # nodes that are no more
    unreadable: list[tuple[int, str]] = field(default_factory=list)  # node, why

    def about(self, node: int) -> NodeReport:
        """Return the report about `node`, to be filled."""
        return self.by_node.setdefault(node, NodeReport())

    @property
    def rejections(self) -> list[tuple[int, RejectedPacket]]:
        """The rejected packets that are kept, each with its node."""
        reports = self.by_node.items()
        return [(node, packet) for node, report in reports for packet in report.rejections]

    def drop(self, node: int) -> int:
        """Leave out everything about a node that is no more; return how many events that was."""
        before = len(self.events)
        self.events = [event for event in self.events if event[0] != node]
        del self.by_node[node]
        self.dropped.add(node)
        return before - len(self.events)

    def refuse(self, event: NodeEvent) -> None:
        """Count an event as rejected and not as received."""
        node, said, received_at = event
        report = self.about(node)
        report.events -= 1
        report.minutes[rates.number_of(moment(received_at))] -= 1
        self._reject(refused(node, received_at, as_packet(said)))

    def cannot_read(self, frame: Frame, why: str) -> None:
        """Count a frame that cannot be opened as one rejected packet."""
        self.unreadable.append((frame.id, why))
        self._reject(refused(frame.id, time.time(), frame.body))

    def _reject(self, packet: RejectedPacket) -> None:
        report = self.about(packet.node_id)
        report.rejected += 1
        report.rejections.append(packet)


def gather(frames: Iterable[Frame], expected: Mapping[Stream, int]) -> Work:
    """Return what `frames` amount to, given the next sequence number of each stream taken up.

    Frames that were committed earlier, that come too early, or whose stream was not taken up are
    left out. One that cannot be opened, such as one that an older program spooled, counts as a
    rejected packet: it must not come back for ever.
    """
    work = Work()
    for frame in frames:
        if _is_next(frame, work, expected):
            try:
                _add(work, frame)
            except UNREADABLE as error:
                work.cannot_read(frame, f"{type(error).__name__}: {error}")
    return work


def _is_next(frame: Frame, work: Work, expected: Mapping[Stream, int]) -> bool:
    """Whether this frame is to be taken now; its stream then goes on behind it."""
    if frame.kind == Kind.NODE_DOWN:
        return True
    stream = frame.stream_key
    following = work.next.get(stream, expected.get(stream))
    if frame.kind == Kind.RESUME or frame.sequence != following:
        return False
    work.next[stream] = following + 1
    return True


def _add(work: Work, frame: Frame) -> None:
    """Add what `frame` says, or raise one of `UNREADABLE` and add nothing."""
    if frame.kind == Kind.BATCH:
        _add_batch(work, frame.id, frame.value())
    else:
        _add_status(work, frame.id, frame.value())


def _add_batch(work: Work, node: int, batch: Batch) -> None:
    at = moment(batch.received_at)
    packets = [rejected_packet(node, rejection) for rejection in batch.rejections]
    received = [(node, event, batch.received_at) for event in batch.events]
    report = work.about(node)
    report.rejected += batch.rejected
    report.events += len(received)
    report.rejections.extend(packets)
    if received:
        report.last_event_at = at
        report.minutes[rates.number_of(at)] += len(received)
    work.events.extend(received)


def _add_status(work: Work, node: int, status: Status) -> None:
    for at in (status.at, status.next_try):
        if at is not None:
            moment(at)
    work.about(node).statuses.append(status)
