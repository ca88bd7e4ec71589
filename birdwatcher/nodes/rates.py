"""How many events a node sent in each of the last minutes."""

from __future__ import annotations

import datetime

from birdwatcher.nodes.models import NodeStatus

MINUTE = datetime.timedelta(minutes=1)


def per_minute(status: NodeStatus | None, now: datetime.datetime) -> list[int]:
    """Return the events of each of the last `NodeStatus.RECENT` minutes up to `now`, newest last.

    The last of them is the minute in which `now` lies, and not yet over.
    """
    nothing = [0] * NodeStatus.RECENT
    if status is None or status.recent_minute is None:
        return nothing
    since = (now - status.recent_minute) // MINUTE
    shifted = [*status.recent, *[0] * min(max(since, 0), NodeStatus.RECENT)]
    return (nothing + shifted)[-NodeStatus.RECENT :]
