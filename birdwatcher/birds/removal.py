"""Delete millions of birds in many small transactions.

A single one would block the daemon until it ends: on SQLite completely, on PostgreSQL at the counts
of birds. After an interruption, the deletion can be started again.
"""

import time
from typing import Any

from django.db import transaction
from django.db.models import Max

from birdwatcher.birds.models import Bird, NewSpecies, SetAsideEvent
from birdwatcher.common.database import engine
from birdwatcher.nodes.models import Node

CHUNK = 5_000


def remove_birds(**of: Any) -> int:
    """Delete the birds `of` one node or one species; return how many.

    This includes most of those that arrive meanwhile. Call it outside any transaction. Raises
    django.db.Error.
    """
    total = 0
    while True:
        removed = sum(_remove(doubtfully, of) for doubtfully in (False, True))
        total += removed
        if removed < CHUNK:
            return total


def clear_node(node: Node) -> None:
    """Disable `node` and delete its birds, and its events that are set aside, so that the node
    itself can then be deleted quickly.

    An interruption leaves a disabled node with fewer of them; call it again. Call it outside any
    transaction. Raises django.db.Error.
    """
    Node.objects.filter(pk=node.pk).update(enabled=False)
    remove_birds(node=node.pk)
    while _discard(node.pk):
        time.sleep(engine().pause)


def _discard(node: int) -> int:
    """Delete some of the events that are set aside of a node; return how many."""
    with transaction.atomic(durable=True):
        # Locked as the writer does, which may be counting one more.
        row = NewSpecies.objects.select_for_update().filter(pk=node).first()
        some = list(SetAsideEvent.objects.filter(node=node).order_by("pk")[:CHUNK])
        if row and some:
            row.events -= len(some)
            row.size -= sum(SetAsideEvent.size_of(it.species, it.name) for it in some)
            row.save(update_fields=["events", "size"])
            SetAsideEvent.objects.filter(node=node, pk__lte=some[-1].pk).delete()
    return len(some)


def _remove(doubtfully: bool, of: dict[str, Any]) -> int:
    birds = Bird.objects.dated(doubtfully=doubtfully).filter(**of)
    total, newest = 0, birds.aggregate(at=Max("timestamp"))["at"]
    while newest is not None:
        # Start where the last one ended: before that, the index is full of deleted entries.
        older = birds.filter(timestamp__lte=newest)
        some = older.order_by("-timestamp", "-pk").values("pk")[:CHUNK]
        with transaction.atomic(durable=True):
            removed, _ = Bird.objects.filter(pk__in=some).delete()
        total += removed
        time.sleep(engine().pause)
        newest = older.aggregate(at=Max("timestamp"))["at"]
    return total
