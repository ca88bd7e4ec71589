"""How many events a node sent in each of the last minutes, as `NodeStatus` keeps it."""

from __future__ import annotations

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
    """Return how many events arrived in each of the last `RECENT` minutes, the present one last."""
    return counted(status.recent, status.recent_minute, now)


def counted(
    recent: Sequence[int], minute: datetime.datetime | None, now: datetime.datetime
) -> list[int]:
    """Return the same of the two fields of a status that it is kept in."""
    return [0] * RECENT if minute is None else _shifted(recent, number_of(now) - number_of(minute))


def add(status: NodeStatus, events: PerMinute, now: datetime.datetime) -> None:
    """Add events that arrived in some minutes, not long before `now`.

    What is older than the minutes that are kept is left out. If they are ahead of `now`, the clock
    was set back meanwhile, and they begin anew.
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
    """Return `RECENT` counts, the last so many minutes after the last of `recent`, or before."""
    if minutes < 0:
        recent, minutes = recent[:minutes], 0
    full = [0] * RECENT + list(recent) + [0] * min(minutes, RECENT)
    return full[-RECENT:]
