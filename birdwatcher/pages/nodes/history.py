"""What was noted down of one node: its states, its packets, what people changed; bounded reads."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Generic, TypeVar

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model, QuerySet

from birdwatcher.birds.models import Bird
from birdwatcher.nodes.models import Node, RejectedPacket, StatusChange
from birdwatcher.pages.nodes.timeline import NOT_KNOWN
from nodeproc.states import NodeState

# In the worst storm there are so many of one node, see birdwatcher.writer.retention.
MOST_CHANGES = 2 * StatusChange.KEPT
MOST_LOST = 20  # ends of the daemon without a word that are looked into
SHOWN = 20  # rows of each table

GONE = frozenset({NodeState.STOPPED.value, NodeState.CRASHED.value})

M = TypeVar("M", bound=Model)


@dataclass(frozen=True)
class Slice(Generic[M]):
    """Some rows, the newest first, and where the older ones begin, if there are any."""

    rows: Sequence[M]
    older: int | None
    is_newest: bool


@dataclass(frozen=True)
class Change:
    """A change of state, and when the next one came; None if none has."""

    row: StatusChange
    until: datetime.datetime | None

    @property
    def lasted(self) -> datetime.timedelta | None:
        """For how long it held."""
        return self.until - self.row.at if self.until else None


def newest(rows: QuerySet[M], start: int | None) -> Slice[M]:
    """Return the newest of `rows`, from the key `start` backwards if there is one."""
    chosen = rows.filter(pk__lte=start) if start is not None else rows
    found = list(chosen.order_by("-pk")[: SHOWN + 1])
    older = found[SHOWN].pk if len(found) > SHOWN else None
    return Slice(found[:SHOWN], older, start is None)


def changes(node: Node, start: int | None) -> tuple[list[Change], Slice[StatusChange]]:
    """Return the newest changes of the node's state, as `newest` does, with how long each held."""
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


def log(node: Node, start: int | None) -> Slice[LogEntry]:
    """Return what people last did to the node."""
    kind = ContentType.objects.get_for_model(Node)
    entries = LogEntry.objects.filter(content_type=kind, object_id=str(node.pk))
    return newest(entries.select_related("user"), start)


def states(node: Node, start: datetime.datetime) -> list[tuple[datetime.datetime, str]]:
    """Return when the states of the node began, for `timeline.stretches`.

    If the daemon ended without a word, nobody noted down the end of what was then. It was so as
    long as birds came; from then until the next process began nothing is known.
    """
    rows = StatusChange.objects.filter(node=node).order_by("-pk")
    told = list(rows.values_list("at", "state", "pid")[:MOST_CHANGES])[::-1]
    lost = [
        number
        for number, (before, after) in enumerate(pairwise(told), 1)
        if _unannounced(before, after) and after[0] > start
    ]
    found = [(at, state) for at, state, _ in told]
    for number in reversed(lost[-MOST_LOST:]):
        found.insert(number, (_heard(node, told[number - 1][0], told[number][0]), NOT_KNOWN))
    return found


def _unannounced(before: Any, after: Any) -> bool:
    """Whether another process took over, and the end of the one before was never told."""
    (_, state, pid), (_, _, next_pid) = before, after
    return state not in GONE and None not in {pid, next_pid} and pid != next_pid


def _heard(node: Node, start: datetime.datetime, end: datetime.datetime) -> datetime.datetime:
    """Return when the last bird of a time was heard, its start if none was."""
    birds = Bird.objects.filter(node=node, timestamp__gte=start, timestamp__lt=end)
    times = birds.dated(doubtfully=False).order_by("-timestamp", "-pk")
    return times.values_list("timestamp", flat=True).first() or start
