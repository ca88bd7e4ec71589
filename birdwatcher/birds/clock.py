"""Whether the time of an event is plausible, compared with its reception."""

import datetime

from birdwatcher.common.units import MICROSECOND

# A node's clock may be a little fast, and a node without a connection may have stored events for a
# day. Other times are stored as they were sent, and marked as doubtful.
AHEAD = datetime.timedelta(minutes=5)
BEHIND = datetime.timedelta(hours=24)

_AHEAD, _BEHIND = AHEAD // MICROSECOND, BEHIND // MICROSECOND


def is_doubtful(microseconds: int, received_at: float) -> bool:
    """Return whether the time of an event is too far from its reception.

    `microseconds` (the event's) and `received_at` (in seconds) are since 1970-01-01T00:00:00Z.
    Raises ValueError or OverflowError if `received_at` is not finite.
    """
    # In whole numbers: a float would round the microseconds, and doubt a time just at the limit.
    lead = microseconds - round(received_at * 1_000_000)
    return not -_BEHIND <= lead <= _AHEAD
