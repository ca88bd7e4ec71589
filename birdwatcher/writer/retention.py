"""Deletes what is kept for a while only: history, rejected packets, checkpoints of streams that
ended long ago, and records of deleted birds.

Three things bound the tables. One transaction writes no more rows of a node than are kept of it.
`Growth` trims a node as soon as it got that many again, so that there are at most twice as many.
`Retention` deletes the rest now and then: rows that are too old, and those that `Growth` forgot
because the writer was restarted, which are at most as many again.

Locked rows are passed over: they belong to a node that is being deleted.
"""

import datetime
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from django.db import transaction
from django.db.models import OuterRef, QuerySet, Subquery
from django.utils import timezone

from birdwatcher.feed.models import Deletion
from birdwatcher.nodes.models import Node, RejectedPacket, StatusChange
from birdwatcher.writer.models import Checkpoint

History = type[StatusChange] | type[RejectedPacket]
MODELS: tuple[History, ...] = (StatusChange, RejectedPacket)

INTERVAL = 60.0  # seconds between two prunings
SOON = 1.0  # seconds, if the last one left something
# The most that one call does, so that no event waits long for it.
ROWS = 2_000  # deleted at once
NODES = 25  # looked at for rows above their number
CHECKPOINTS = 1_000  # looked at for their age


class Growth:
    """Counts the rows that each node got since it was last trimmed."""

    def __init__(self) -> None:
        self._rows: Counter[tuple[History, int]] = Counter()
        self._overdue: set[tuple[History, int]] = set()

    def add(self, rows: Iterable[StatusChange | RejectedPacket]) -> None:
        """Count rows that are being written."""
        for key, count in Counter((type(row), row.node_id) for row in rows).items():
            self._rows[key] += count
            if self._rows[key] >= key[0].KEPT:
                self._overdue.add(key)

    def trim(self) -> None:
        """Trim the nodes that got too many, in transactions after those in which they did.

        Raises django.db.Error.
        """
        while self._overdue:
            model, node = key = self._overdue.pop()
            del self._rows[key]
            trim(model, [node], ROWS)


class Retention:
    """Prunes everything in turn, a piece at a time."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` is there to be replaced in tests."""
        self._clock = clock
        self._due = clock()
        self._node = 0  # the last one looked at
        self._checkpoint = 0

    def prune(self) -> None:
        """Delete a bounded number of rows that are not kept any longer, if it is time for that.

        Call it often, outside a transaction. Raises django.db.Error.
        """
        if self._clock() < self._due:
            return
        now = timezone.now()
        left = [_prune_old(model, now) for model in MODELS]
        left += [self._prune_nodes(), _prune_deletions(now)]
        self._prune_checkpoints(now)
        self._due = self._clock() + (SOON if any(left) else INTERVAL)

    def _prune_nodes(self) -> bool:
        """Trim the next few nodes; return whether one of them still has too many rows."""
        following = Node.objects.filter(pk__gt=self._node).order_by("pk")
        nodes = list(following.values_list("pk", flat=True)[:NODES])
        if any(trim(model, nodes, ROWS) == ROWS for model in MODELS):
            return True
        self._node = nodes[-1] if len(nodes) == NODES else 0
        return False

    def _prune_checkpoints(self, now: datetime.datetime) -> None:
        """Delete what is too old among the next few checkpoints.

        In the order of the keys: an index on their time would make each commit write one row more.
        """
        following = Checkpoint.objects.filter(pk__gt=self._checkpoint).order_by("pk")
        rows = list(following.values_list("pk", "updated_at")[:CHECKPOINTS])
        oldest = now - Checkpoint.KEPT_FOR
        _delete(Checkpoint.objects.filter(pk__in=[pk for pk, at in rows if at < oldest]))
        self._checkpoint = rows[-1][0] if len(rows) == CHECKPOINTS else 0


def trim(model: History, nodes: Sequence[int], at_most: int) -> int:
    """Delete the oldest rows of `nodes` above the number that is kept; return how many.

    At most `at_most` are deleted. Raises django.db.Error.
    """
    of_node = model.objects.filter(node=OuterRef("pk")).order_by("-pk").values("pk")
    newest_too_many = Subquery(of_node[model.KEPT : model.KEPT + 1])
    above = Node.objects.filter(pk__in=nodes).values_list("pk", newest_too_many)
    deleted = 0
    for node, last in above:
        if last is not None and deleted < at_most:
            rows = model.objects.filter(node=node, pk__lte=last).order_by("pk")
            deleted += _delete(rows[: at_most - deleted])
    return deleted


def _prune_old(model: History, now: datetime.datetime) -> bool:
    """Delete rows that are too old; return whether there may be more."""
    rows = model.objects.filter(at__lt=now - model.KEPT_FOR).order_by("at")
    return _delete(rows[:ROWS]) == ROWS


def _prune_deletions(now: datetime.datetime) -> bool:
    """Delete the oldest deletions if they are too old; return whether there may be more.

    In the order of the keys: an index on their time would make each delete write one row more.
    """
    rows = Deletion.objects.order_by("pk").values_list("pk", "at")[:ROWS]
    old = [pk for pk, at in rows if at < now - Deletion.KEPT_FOR]
    return _delete(Deletion.objects.filter(pk__in=old)) == ROWS


def _delete(rows: QuerySet[Any]) -> int:
    """Delete `rows`, except locked ones, in a transaction of their own; return how many."""
    with transaction.atomic():
        keys = list(rows.select_for_update(skip_locked=True).values_list("pk", flat=True))
        if keys:
            rows.model.objects.filter(pk__in=keys).delete()
    return len(keys)
