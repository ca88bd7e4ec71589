"""What the frames of nodes say, gathered before any of it is written."""

import datetime
import time
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from django.utils import timezone

from birdwatcher.common.units import EPOCH, moment
from birdwatcher.nodes import rates
from birdwatcher.nodes.models import NodeStatus, RejectedPacket, StatusChange
from birdwatcher.writer.birds.rows import NodeEvent, as_packet, enter, refused, rejected_packet
from nodeproc.states import NodeState
from nodeproc.wire.frames import Frame, Kind
from nodeproc.wire.messages import Batch, Status
from nodeproc.wire.reasons import Reason

# Of one read; with more, a damaged or foreign batch would overflow the counts of its node.
MOST_REJECTED = 2**31 - 1


@dataclass
class NodeReport:
    """What changes in the status of one node."""

    statuses: list[Status] = field(default_factory=list)  # in their order
    events: int = 0
    rejected: int = 0
    # As many as are kept of a node: one transaction may bring any number.
    rejections: deque[RejectedPacket] = field(
        default_factory=lambda: deque(maxlen=RejectedPacket.KEPT)
    )
    last_event_at: datetime.datetime | None = None
    minutes: Counter[int] = field(default_factory=Counter)  # events received in each

    def applied_to(
        self, row: NodeStatus | None, node: int
    ) -> tuple[NodeStatus, Sequence[StatusChange], str]:
        """Return the row of the status table as it is to be now, and the newest of its changes.

        Before these, the newest change that is in the table gets another detail, unless that is
        empty. `row` is what it was, or None; it may be changed.
        """
        row = row or NodeStatus(node_id=node, state="", since=EPOCH, error="")
        row.events += self.events
        row.rejected += self.rejected
        if self.last_event_at is not None:
            row.last_event_at = self.last_event_at
            rates.add(row, self.minutes, timezone.now())
        changes: deque[StatusChange] = deque(maxlen=StatusChange.KEPT)
        detail = ""
        for status in self.statuses:
            before = row.error
            if change := enter(row, status):
                changes.append(change)
            elif row.error and row.error != before:  # the last error stays, when all is well again
                if changes:
                    changes[-1].detail = row.error
                else:
                    detail = row.error
        row.state = row.state or NodeState.STARTING
        return row, changes, detail


@dataclass
class GatheredBirds:
    """What the frames of nodes say."""

    events: list[NodeEvent] = field(default_factory=list)
    by_node: dict[int, NodeReport] = field(default_factory=dict)
    dropped: set[int] = field(default_factory=set)  # nodes that do not exist any more
    set_aside: int = 0  # events, of species that their nodes may not make
    refused: int = 0  # events

    def about(self, node: int) -> NodeReport:
        """Return the report about `node`, to be filled."""
        return self.by_node.setdefault(node, NodeReport())

    @property
    def rejected(self) -> int:
        """How many packets were rejected."""
        return sum(report.rejected for report in self.by_node.values())

    @property
    def rejections(self) -> list[tuple[int, RejectedPacket]]:
        """The rejected packets that are kept, each with its node."""
        reports = self.by_node.items()
        return [(node, packet) for node, report in reports for packet in report.rejections]

    def add(self, frame: Frame) -> None:
        """Add the events or the status in a frame; raise one of `UNREADABLE`, and add nothing."""
        match frame.kind:
            case Kind.BATCH:
                self._add_batch(frame.id, frame.value())
            case Kind.STATUS | Kind.NODE_DOWN:
                self._add_status(frame.id, frame.value())
            case _:
                raise ValueError(f"not a kind of frame from a node: {frame.kind}")

    def _add_batch(self, node: int, batch: Batch) -> None:
        if not 0 <= batch.rejected <= MOST_REJECTED:
            raise ValueError(f"{batch.rejected} packets cannot have been rejected")
        at = moment(batch.received_at)
        packets = [rejected_packet(node, rejection) for rejection in batch.rejections]
        received = [(node, event, batch.received_at) for event in batch.events]
        report = self.about(node)
        report.rejected += batch.rejected
        report.events += len(received)
        report.rejections.extend(packets)
        if received:
            report.last_event_at = at
            report.minutes[rates.number_of(at)] += len(received)
        self.events.extend(received)

    def _add_status(self, node: int, status: Status) -> None:
        for at in (status.at, status.next_try):
            if at is not None:
                moment(at)
        self.about(node).statuses.append(status)

    def drop(self, node: int) -> int:
        """Leave out everything about a node without a row; return how many events that was."""
        before = len(self.events)
        self.events = [event for event in self.events if event[0] != node]
        del self.by_node[node]
        self.dropped.add(node)
        return before - len(self.events)

    def refuse(self, event: NodeEvent, reason: Reason = Reason.REFUSED_BY_DATABASE) -> None:
        """Count an event as rejected and not as received."""
        node, said, received_at = event
        report = self.about(node)
        report.events -= 1
        report.minutes[rates.number_of(moment(received_at))] -= 1
        self.refused += 1
        self._reject(refused(node, received_at, as_packet(said), reason))

    def cannot_read(self, frame: Frame) -> None:
        """Add a frame that cannot be opened, as one rejected packet."""
        self._reject(refused(frame.id, time.time(), bytes(frame.body)))

    def _reject(self, packet: RejectedPacket) -> None:
        report = self.about(packet.node_id)
        report.rejected += 1
        report.rejections.append(packet)
