"""The history of one node: states, rejected packets, people's changes; bounded reads."""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Generic, TypeVar

from django.db.models import Model, QuerySet

from birdwatcher.audit.models import Entry
from birdwatcher.birds.models import Bird
from birdwatcher.nodes.models import Node, RejectedPacket, StatusChange
from birdwatcher.pages.nodes.timeline import NOT_KNOWN
from nodeproc.states import NodeState

# The most that one node can have between two clean-ups: see birdwatcher.writer.retention.
MOST_CHANGES = 2 * StatusChange.KEPT
MOST_LOST = 20  # unannounced ends of the daemon that are examined
SHOWN = 20  # rows of each table

GONE = frozenset({NodeState.STOPPED.value, NodeState.CRASHED.value})

M = TypeVar("M", bound=Model)


@dataclass(frozen=True)
class Slice(Generic[M]):
    """Some rows, newest first, and the key where the older ones begin, if there are any."""

    rows: Sequence[M]
    older: int | None
    is_newest: bool


@dataclass(frozen=True)
class Change:
    """A change of state, and the time of the next one, if there is one."""

    row: StatusChange
    until: datetime.datetime | None

    @property
    def lasted(self) -> datetime.timedelta | None:
        """How long the state lasted."""
        return self.until - self.row.at if self.until else None


def newest(rows: QuerySet[M], start: int | None) -> Slice[M]:
    """Return the newest of `rows`, or those from the key `start` backwards."""
    chosen = rows.filter(pk__lte=start) if start is not None else rows
    found = list(chosen.order_by("-pk")[: SHOWN + 1])
    older = found[SHOWN].pk if len(found) > SHOWN else None
    return Slice(found[:SHOWN], older, start is None)


def changes(node: Node, start: int | None) -> tuple[list[Change], Slice[StatusChange]]:
    """Return the newest changes of the node's state with their ends, and the slice they form."""
    rows = StatusChange.objects.filter(node=node)
    part = newest(rows, start)
    until = None
    if part.rows and not part.is_newest:
        after = rows.filter(pk__gt=part.rows[0].pk).order_by("pk")
        until = after.values_list("at", flat=True).first()
    found = []
    for row in part.rows:
        found.append(Change(row, until))
        until = row.at
    return found, part


def packets(node: Node, start: int | None) -> Slice[RejectedPacket]:
    """Return the newest rejected packets of the node."""
    return newest(RejectedPacket.objects.filter(node=node), start)


def log(node: Node, start: int | None) -> Slice[Entry]:
    """Return what people last changed about the node."""
    return newest(Entry.objects.about(Node, node.pk), start)


def states(node: Node, start: datetime.datetime) -> list[tuple[datetime.datetime, str]]:
    """Return when the states of the node began, for `timeline.stretches`.

    If the daemon ended unannounced, the end of the state at that time is not recorded. The state
    certainly held until the last bird; from then until the next process, it is not known.
    """
    rows = StatusChange.objects.filter(node=node).order_by("-pk")
    recorded = list(rows.values_list("at", "state", "pid")[:MOST_CHANGES])[::-1]
    lost = [
        number
        for number, (before, after) in enumerate(pairwise(recorded), 1)
        if _unannounced(before, after) and after[0] > start
    ]
    found = [(at, state) for at, state, _ in recorded]
    for number in reversed(lost[-MOST_LOST:]):
        found.insert(
            number, (_heard(node, recorded[number - 1][0], recorded[number][0]), NOT_KNOWN)
        )
    return found


def _unannounced(before: Any, after: Any) -> bool:
    """Return whether another process follows without a recorded end of the one before."""
    (_, state, pid), (_, _, next_pid) = before, after
    return state not in GONE and None not in {pid, next_pid} and pid != next_pid


def _heard(node: Node, start: datetime.datetime, end: datetime.datetime) -> datetime.datetime:
    """Return when the last bird between `start` and `end` was heard; `start` without one."""
    birds = Bird.objects.filter(node=node, timestamp__gte=start, timestamp__lt=end)
    times = birds.dated(doubtfully=False).order_by("-timestamp", "-pk")
    return times.values_list("timestamp", flat=True).first() or start
