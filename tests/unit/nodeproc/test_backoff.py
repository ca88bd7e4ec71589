"""Back-off, with a clock and a die of the test's own."""

import pytest

from nodeproc.backoff import Backoff


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def longest(clock: Clock) -> Backoff:
    """A back-off that always draws the longest delay."""
    return Backoff(base=0.25, cap=3.0, stable=10.0, clock=clock, uniform=lambda _, high: high)


def test_delays_double_up_to_the_cap() -> None:
    backoff = longest(Clock())
    assert [backoff.failed() for _ in range(6)] == [0.25, 0.5, 1.0, 2.0, 3.0, 3.0]


def test_delays_are_drawn_from_the_whole_range() -> None:
    ranges: list[tuple[float, float]] = []

    def draw(low: float, high: float) -> float:
        ranges.append((low, high))
        return low

    backoff = Backoff(base=0.25, cap=3.0, stable=10.0, clock=Clock(), uniform=draw)
    assert [backoff.failed() for _ in range(3)] == [0.125, 0.125, 0.125]
    assert ranges == [(0.125, 0.25), (0.125, 0.5), (0.125, 1.0)]


@pytest.mark.parametrize(("lasted", "next_delay"), [(9.9, 2.0), (10.0, 0.25), (1e6, 0.25)])
def test_only_a_stable_success_starts_anew(lasted: float, next_delay: float) -> None:
    clock = Clock()
    backoff = longest(clock)
    for _ in range(3):
        backoff.failed()
    backoff.succeeded()
    clock.now += lasted
    assert backoff.failed() == next_delay


def test_time_spent_failing_is_no_success() -> None:
    clock = Clock()
    backoff = longest(clock)
    backoff.failed()
    clock.now += 1e6
    assert backoff.failed() == 0.5


def test_a_million_failures_are_no_overflow() -> None:
    backoff = longest(Clock())
    backoff.tries = 1_000_000
    assert backoff.failed() == 3.0
