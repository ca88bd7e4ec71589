"""How soon the writer commits again, on a clock of the tests' own."""

from collections.abc import Iterable

import pytest

from birdwatcher.writer.pace import BUSY, GATHERING, MEMORY, Pace


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def waits(arrivals: Iterable[float], takes: float = 0.0005) -> list[float]:
    """Return how long each commit was let wait, of frames that arrive so many seconds apart.

    `takes`: seconds of one commit.
    """
    clock = Clock()
    pace = Pace(clock)
    waited = []
    due = clock.now
    times = [due := due + gap for gap in arrivals]
    while times:
        clock.now = max(clock.now, times[0])
        waited.append(pause := pace.wait())
        clock.now += pause
        here = [it for it in times if it <= clock.now]
        times = times[len(here) :]
        pace.committing(len(here))
        clock.now += takes
    return waited


def test_the_first_commit_waits_for_nothing() -> None:
    assert Pace(Clock()).wait() == 0.0


@pytest.mark.parametrize("rate", [1, 10, 100, BUSY * 0.8])
def test_while_few_arrive_each_is_committed_at_once(rate: float) -> None:
    assert set(waits([1 / rate] * 200)) == {0.0}


@pytest.mark.parametrize("rate", [500, 2000, 20_000])
def test_while_many_arrive_commits_begin_apart(rate: float) -> None:
    seconds = 2.0
    waited = waits([1 / rate] * int(rate * seconds))
    before_it_is_noticed = 3 * BUSY * MEMORY
    assert len(waited) < seconds / GATHERING + before_it_is_noticed
    assert max(waited) < GATHERING


def test_a_commit_that_takes_long_is_not_followed_by_another_wait() -> None:
    assert set(waits([0.0001] * 20_000, takes=2 * GATHERING)) == {0.0}


def test_it_is_prompt_again_soon_after() -> None:
    waited = waits([0.001] * 1000 + [0.5] + [0.05] * 10)
    assert waited[-11:] == [0.0] * 11
