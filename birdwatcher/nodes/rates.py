"""The number of events in each of the last minutes, as `NodeStatus` stores it."""

import datetime
from collections.abc import Mapping, Sequence

from birdwatcher.common.units import EPOCH, MINUTE
from birdwatcher.nodes.models import NodeStatus

RECENT = NodeStatus.RECENT

# Minutes are numbered since 1970.
PerMinute = Mapping[int, int]


def number_of(moment: datetime.datetime) -> int:
    """Return the number of the minute in which `moment` lies."""
    return (moment - EPOCH) // MINUTE


def per_minute(status: NodeStatus, now: datetime.datetime) -> list[int]:
    """Return the events in each of the last `RECENT` minutes, the current one last."""
    return counted(status.recent, status.recent_minute, now)


def counted(
    recent: Sequence[int], minute: datetime.datetime | None, now: datetime.datetime
) -> list[int]:
    """Return the same from the two fields in which a status stores it."""
    return [0] * RECENT if minute is None else _shifted(recent, number_of(now) - number_of(minute))


def share_of(node: int, now: datetime.datetime) -> float | None:
    """Return the share of a node in the events of all nodes in the last hour, None without any.

    The current minute is left out: it has only begun.
    """
    rows = NodeStatus.objects.filter(recent_minute__gt=now - RECENT * MINUTE)
    sums = {
        key: sum(counted(recent, minute, now)[:-1])
        for key, recent, minute in rows.values_list("node", "recent", "recent_minute")
    }
    total = sum(sums.values())
    return sums.get(node, 0) / total if total else None


def add(status: NodeStatus, events: PerMinute, now: datetime.datetime) -> None:
    """Add the events of some minutes, not long before `now`.

    Events older than the stored minutes are left out. If the stored minutes are ahead of `now`, the
    clock was set back, and they are discarded.
    """
    newest = max(events)
    known = None if status.recent_minute is None else number_of(status.recent_minute)
    if known is None or known > max(newest, number_of(now)):
        known, status.recent = newest, []
    last = max(known, newest)
    recent = _shifted(status.recent, last - known)
    for minute, count in events.items():
        if last - minute < RECENT:
            recent[minute - last - 1] += count
    status.recent = recent
    status.recent_minute = EPOCH + last * MINUTE


def _shifted(recent: Sequence[int], minutes: int) -> list[int]:
    """Return `recent`, shifted by a number of minutes and cut or filled to `RECENT` counts."""
    if minutes < 0:
        recent, minutes = recent[:minutes], 0
    full = [0] * RECENT + list(recent) + [0] * min(minutes, RECENT)
    return full[-RECENT:]
