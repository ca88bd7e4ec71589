"""Events by the minute, the last hour of them."""

import datetime
import random

import pytest

from birdwatcher.common.units import EPOCH, MINUTE
from birdwatcher.nodes.models import NodeStatus
from birdwatcher.nodes.rates import RECENT, add, number_of, per_minute

NOON = datetime.datetime(2026, 5, 1, 12, 0, 30, tzinfo=datetime.UTC)
NOW = number_of(NOON)


def after(*batches: dict[int, int], now: datetime.datetime = NOON) -> NodeStatus:
    """Return a status to which events were added, by minutes before and after `NOW`."""
    status = NodeStatus()
    for batch in batches:
        add(status, {NOW + minute: count for minute, count in batch.items()}, now)
    return status


def shown(status: NodeStatus, minutes: int = 0) -> dict[int, int]:
    """Return what is shown so many minutes after noon: by minutes before, without the zeros."""
    counts = per_minute(status, NOON + minutes * MINUTE)
    assert len(counts) == RECENT
    return {place - RECENT + 1: count for place, count in enumerate(counts) if count}


def test_a_node_that_never_sent_anything_has_nothing_to_show() -> None:
    assert per_minute(NodeStatus(), NOON) == [0] * RECENT


@pytest.mark.parametrize(
    ("batches", "expected"),
    [
        ([{0: 5}], {0: 5}),
        ([{0: 5}, {0: 2}], {0: 7}),
        ([{-1: 5}, {0: 2}], {-1: 5, 0: 2}),
        ([{-59: 1}, {0: 2}], {-59: 1, 0: 2}),
        ([{-60: 1}, {0: 2}], {0: 2}),
        ([{0: 2}, {-59: 1}], {-59: 1, 0: 2}),  # out of the spool
        ([{0: 2}, {-60: 1, -999: 1}], {0: 2}),
        ([{-999: 1, -3: 1, 0: 4}], {-3: 1, 0: 4}),
        ([{-5000: 9}, {0: 1}], {0: 1}),
        ([{300: 9}, {0: 1}], {0: 1}),  # the clock was an hour or more ahead
        ([{1: 9}, {0: 1}], {0: 1}),  # or a minute
    ],
)
def test_what_is_kept(batches: list[dict[int, int]], expected: dict[int, int]) -> None:
    status = after(*batches)
    assert shown(status) == expected
    assert len(status.recent) <= RECENT
    assert status.recent_minute.second == 0


def test_it_moves_on_with_the_time() -> None:
    status = after({-2: 3, 0: 5})
    assert shown(status, 2) == {-4: 3, -2: 5}
    assert shown(status, 58) == {-58: 5}
    assert shown(status, 60) == {}
    assert shown(status, 100_000) == {}
    assert shown(status, -1) == {-1: 3}  # of whoever's clock is behind
    assert shown(status, -100) == {}


def test_any_hour_is_what_arrived_in_it() -> None:
    chance = random.Random(8)  # noqa: S311
    status, arrived, minute = NodeStatus(), {}, NOW
    for _ in range(500):
        minute += chance.choice([0, 0, 0, 1, 1, 2, 7, 70])
        count = chance.randrange(1, 9)
        arrived[minute] = arrived.get(minute, 0) + count
        now = EPOCH + minute * MINUTE
        add(status, {minute: count}, now)
        expected = [arrived.get(it, 0) for it in range(minute - RECENT + 1, minute + 1)]
        assert per_minute(status, now) == status.recent == expected
