"""Deleting millions of birds without anybody noticing: few at a time, each few for themselves.

In one transaction they would keep the daemon waiting for as long as that takes: on SQLite
altogether, on PostgreSQL for the counts of birds. What is interrupted can be begun again.
"""

from __future__ import annotations

import time
from typing import Any

from django.db import transaction
from django.db.models import Max

from birdwatcher.birds.models import Bird
from birdwatcher.common.database import engine
from birdwatcher.nodes.models import Node

CHUNK = 5_000


def remove_birds(**of: Any) -> int:
    """Delete the birds `of` one node or one species; return how many.

    Those that come in meanwhile too, but for a few. To be called outside any transaction. Raises
    django.db.Error.
    """
    total = 0
    while True:
        removed = sum(_remove(doubtfully, of) for doubtfully in (False, True))
        total += removed
        if removed < CHUNK:
            return total


def clear_node(node: Node) -> None:
    """Disable `node` and delete its birds a few at a time, so that to delete it is then a matter of
    a moment.

    Interrupted, it leaves a disabled node with fewer birds, and can be called again. To be called
    outside any transaction. Raises django.db.Error.
    """
    Node.objects.filter(pk=node.pk).update(enabled=False)
    remove_birds(node=node.pk)


def _remove(doubtfully: bool, of: dict[str, Any]) -> int:
    birds = Bird.objects.dated(doubtfully=doubtfully).filter(**of)
    total, newest = 0, birds.aggregate(at=Max("timestamp"))["at"]
    while newest is not None:
        # Each time from where it ended: the index is long full of those deleted before.
        older = birds.filter(timestamp__lte=newest)
        some = older.order_by("-timestamp", "-pk").values("pk")[:CHUNK]
        with transaction.atomic(durable=True):
            removed, _ = Bird.objects.filter(pk__in=some).delete()
        total += removed
        time.sleep(engine().pause)
        newest = older.aggregate(at=Max("timestamp"))["at"]
    return total
