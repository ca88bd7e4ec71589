"""Whether the time of an event can be true, going by when the event was received."""

from __future__ import annotations

import datetime

from birdwatcher.common.units import MICROSECOND

# A node's clock may be a little fast, and a node that was cut off may have kept its events for a
# day. What is dated outside that is kept as it was sent, and doubted.
AHEAD = datetime.timedelta(minutes=5)
BEHIND = datetime.timedelta(hours=24)

_AHEAD, _BEHIND = AHEAD // MICROSECOND, BEHIND // MICROSECOND


def is_doubtful(microseconds: int, received_at: float) -> bool:
    """Whether an event is dated too far from when it was received.

    `microseconds` and `received_at`, which is in seconds, are both since 1970-01-01T00:00:00Z.
    Raises ValueError or OverflowError if `received_at` is not finite.
    """
    # In whole numbers: a float would round the first, and call an edge an excess.
    lead = microseconds - round(received_at * 1_000_000)
    return not -_BEHIND <= lead <= _AHEAD
