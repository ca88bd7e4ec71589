"""From received values to the rows that are written: pure."""

import datetime
from collections import Counter
from collections.abc import Iterable, Mapping

from birdwatcher.birds.clock import is_doubtful
from birdwatcher.common.database.tables import Groups
from birdwatcher.common.units import EPOCH, moment
from birdwatcher.nodes.models import NodeStatus, RejectedPacket, StatusChange
from birdwatcher.rollups.counting import MICROSECONDS
from nodeproc.wire.messages import RAW_BYTES, Event, Rejection, Status
from nodeproc.wire.reasons import Reason

MAX_ERROR = 255  # characters, as in the database

# Node, what its packet said, and when that was received, in seconds since the epoch.
NodeEvent = tuple[int, Event, float]


# Timestamp, name, key of the species, of the node, whether the time is doubtful.
BirdRow = tuple[datetime.datetime, str, int, int, bool]


def bird(node: int, event: Event, received_at: float, species: Mapping[str, int]) -> BirdRow:
    """Return the row of one event; `species` holds keys by name.

    Raises OverflowError if its time cannot be kept.
    """
    microseconds, species_name, name = event
    timestamp = EPOCH + datetime.timedelta(microseconds=microseconds)
    doubtful = is_doubtful(microseconds, received_at)
    return timestamp, name, species[species_name], node, doubtful


def groups(events: Iterable[NodeEvent], species: Mapping[str, int]) -> Groups:
    """Return the number of birds of each node, species and hour; `species` as for `bird`."""
    counts = Counter([(node, name, at // MICROSECONDS) for node, (at, name, _), _ in events])
    return {(node, species[name], hour): birds for (node, name, hour), birds in counts.items()}


def rejected_packet(node: int, rejection: Rejection) -> RejectedPacket:
    """Return the row of one rejected packet."""
    at, reason, size, raw = rejection
    return RejectedPacket(
        node_id=node, at=moment(at), reason=reason, size=size, raw=raw[:RAW_BYTES]
    )


def refused(
    node: int, at: float, packet: bytes, reason: Reason = Reason.REFUSED_BY_DATABASE
) -> RejectedPacket:
    """Return the row of a packet that was refused after it had been received."""
    return rejected_packet(node, (at, reason.value, len(packet), packet))


def as_packet(event: Event) -> bytes:
    """Return the event as text for people, since its packet is not there any more."""
    return repr(event).encode(errors="backslashreplace")


def enter(row: NodeStatus, status: Status) -> StatusChange | None:
    """Apply `status` to the row of a node's status; return the change of its state, if it is one.

    Another error in the same state is none: a dead host is now "no answer" and now "no route", and
    would fill its history with that.
    """
    error = status.error[:MAX_ERROR]
    if status.pid is None and moment(status.at) < row.since:
        return None  # from the supervisor, and outdated: the node's next process reported already
    changed = row.state != status.state
    if changed:
        row.since = moment(status.at)
    row.state, row.error = status.state, error
    row.pid = status.pid
    row.reconnects += status.again
    row.last_error = error or row.last_error
    row.next_try = None if status.next_try is None else moment(status.next_try)
    if not changed:
        return None
    return StatusChange(
        node_id=row.node_id,
        at=moment(status.at),
        state=status.state,
        pid=status.pid,
        detail=error,
    )
