"""Which times are doubted: the edges."""

import datetime

import pytest

from birdwatcher.birds.clock import AHEAD, BEHIND, is_doubtful
from birdwatcher.birds.models import Bird

RECEIVED = 1_777_625_160.25  # seconds
AT = 1_777_625_160_250_000  # the same in microseconds
MINUTES, HOURS = 60_000_000, 3_600_000_000


@pytest.mark.parametrize(
    ("lead", "doubtful"),
    [
        (0, False),
        (5 * MINUTES, False),
        (5 * MINUTES + 1, True),
        (-24 * HOURS, False),
        (-24 * HOURS - 1, True),
        (10**17, True),
        (-(10**17), True),
    ],
)
def test_a_little_ahead_and_a_day_behind_are_plausible(lead: int, doubtful: bool) -> None:
    assert is_doubtful(AT + lead, RECEIVED) is doubtful


@pytest.mark.parametrize("received", [0.1, 1_777_625_160.123457, 4_102_444_799.999999, -0.1])
def test_the_edge_is_exact_to_the_microsecond(received: float) -> None:
    at = round(received * 1_000_000)
    assert not is_doubtful(at + 5 * MINUTES, received)
    assert is_doubtful(at + 5 * MINUTES + 1, received)


@pytest.mark.parametrize("received", [float("nan"), float("inf")])
def test_no_time_at_all_is_an_error(received: float) -> None:
    with pytest.raises((ValueError, OverflowError)):
        is_doubtful(0, received)


def test_the_help_on_doubtful_times_says_what_is_done() -> None:
    said = Bird._meta.get_field("doubtful").help_text
    assert f"{AHEAD // datetime.timedelta(minutes=1)} minutes ahead" in said
    assert f"{BEHIND // datetime.timedelta(hours=1)} hours old" in said
