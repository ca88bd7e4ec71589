"""The actions of operators on nodes; each is recorded in the audit log."""

from collections.abc import Iterable
from typing import Any

from django.db import transaction
from django.db.models import F

from birdwatcher.audit.models import Action
from birdwatcher.audit.record import record
from birdwatcher.nodes.models import Node


def enable(nodes: Iterable[Node]) -> int:
    """Make the daemon connect to `nodes`; return how many were disabled before."""
    return _change(nodes, "Enabled.", {"enabled": False}, {"enabled": True})


def disable(nodes: Iterable[Node]) -> int:
    """Make the daemon disconnect from `nodes`; return how many were enabled before."""
    return _change(nodes, "Disabled.", {"enabled": True}, {"enabled": False})


def restart(nodes: Iterable[Node]) -> int:
    """Make the daemon stop the processes of `nodes` gracefully and start new ones.

    A process that has crashed is started without further delay. Returns how many nodes are enabled:
    the others have no process.
    """
    change = {"restarts": F("restarts") + 1}
    return _change(nodes, "Restarted its process.", {"enabled": True}, change)


def _change(
    nodes: Iterable[Node],
    message: str,
    of: dict[str, Any],
    change: dict[str, Any],
) -> int:
    """Change those of `nodes` that match `of`, log each change, and return their number."""
    with transaction.atomic():
        chosen = Node.objects.filter(pk__in=[node.pk for node in nodes], **of)
        changed = list(chosen.order_by("pk").select_for_update(no_key=True))
        Node.objects.filter(pk__in=[node.pk for node in changed]).update(**change)
        if changed:
            record(Action.CHANGE, changed, message)
    return len(changed)
