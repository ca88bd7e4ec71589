"""How many events wait, whatever is acknowledged, in a bounded number of marks."""

import random

from nodeproc.delivery.backlog import MOST_MARKS, Backlog
from nodeproc.wire import Batch, Kind, pack

EVENT = (0, "Erithacus rubecula", "Robin")


def batch(at: float, events: int) -> bytes:
    return pack(Kind.BATCH, Batch(at, [EVENT] * events, [], 0))


def test_what_is_acknowledged_waits_no_more() -> None:
    backlog = Backlog()
    for number in range(1, 5):
        backlog.add(7, number, batch(100.0 + number, number))
    assert (backlog.events, backlog.since) == (10, 101.0)
    backlog.acknowledge(7, 2)
    assert (backlog.events, backlog.since) == (7, 103.0)
    backlog.acknowledge(7, 1)  # once more, and late
    backlog.acknowledge(8, 100)  # of a stream that is not in it
    assert (backlog.events, backlog.since) == (7, 103.0)
    backlog.acknowledge(7, 4)
    assert (backlog.events, backlog.since) == (0, None)


def test_streams_may_be_acknowledged_in_any_order() -> None:
    backlog = Backlog()
    backlog.add(1, 1, batch(1.0, 1))
    backlog.add(2, 1, batch(2.0, 1))
    backlog.acknowledge(2, 1)
    assert backlog.events == 2
    backlog.acknowledge(1, 1)
    assert backlog.events == 0


def test_frames_without_events_tell_no_age() -> None:
    backlog = Backlog()
    backlog.add(1, 1, pack(Kind.STATUS, ("connected", 1.0, 1, False, "", None)))
    backlog.add(1, 2, batch(1.0, 0))
    assert (backlog.events, backlog.since) == (0, None)
    backlog.add(1, 3, batch(2.0, 1))
    assert (backlog.events, backlog.since) == (1, 2.0)


def test_however_many_frames_there_are_it_stays_small_and_nearly_exact() -> None:
    backlog, count, random_ = Backlog(), 50_000, random.Random(849209)  # noqa: S311
    for number in range(1, count + 1):
        backlog.add(1, number, batch(float(number), 1))
    assert len(backlog._marks) <= MOST_MARKS
    assert backlog.events == count
    acknowledged = 0
    while acknowledged < count:
        acknowledged = min(acknowledged + random_.randrange(1, 5000), count)
        backlog.acknowledge(1, acknowledged)
        assert 0 <= backlog.events - (count - acknowledged) < 2 * count / MOST_MARKS + 2
        assert backlog.since is None or backlog.since <= acknowledged + 1
    assert (backlog.events, backlog.since) == (0, None)
