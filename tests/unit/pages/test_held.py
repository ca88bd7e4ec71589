"""Answers that are kept for a moment: one reader computes, and nobody waits without a bound."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.utils import timezone

from birdwatcher.common.database.troubles import TookTooLongError
from birdwatcher.pages.overview import held as module
from birdwatcher.pages.overview.held import KEPT, KEPT_BESIDE, ZONES, held
from tests.support.waiting import STARTING


class Clock:
    """A clock that a test sets."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


class Slow:
    """A call that waits until it may end, and counts how often it was called."""

    def __init__(self) -> None:
        self.calls = 0
        self.begun, self.may_end = threading.Event(), threading.Event()

    def __call__(self) -> int:
        self.calls += 1
        self.begun.set()
        assert self.may_end.wait(STARTING)
        return self.calls


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_it_is_kept_for_a_moment_in_each_time_zone(clock: Clock) -> None:
    made: list[str] = []

    def call() -> int:
        made.append(timezone.get_current_timezone_name())
        return len(made)

    answer = held(call, clock)
    for zone, expected in (("UTC", 1), ("Asia/Kolkata", 2), ("UTC", 1)):
        with timezone.override(zone):
            assert answer() == expected
    clock.now += KEPT
    assert answer() == 3
    for number in range(ZONES + 1):
        with timezone.override(timezone.get_fixed_timezone(number)):
            answer()
    assert answer() == 3 + ZONES + 2  # it was forgotten for the newer ones


def while_one_computes(slow: Slow, answer: Callable[[], int], check: Callable[[], None]) -> int:
    """Call `check` while another thread computes the answer, and return that answer."""
    slow.begun.clear()
    slow.may_end.clear()
    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(answer)
        assert slow.begun.wait(STARTING)
        try:
            check()
        finally:
            slow.may_end.set()
        return first.result()


def test_one_reader_computes_and_the_others_get_the_answer_before(clock: Clock) -> None:
    slow = Slow()
    answer = held(slow, clock)
    slow.may_end.set()
    assert answer() == 1
    clock.now += KEPT_BESIDE - 1

    def others() -> None:
        assert answer() == 1

    assert while_one_computes(slow, answer, others) == 2
    assert answer() == 2


def test_nobody_waits_without_a_bound_nor_gets_an_old_answer(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PATIENCE", 0.01)
    slow = Slow()
    answer = held(slow, clock)
    slow.may_end.set()
    answer()
    clock.now += KEPT_BESIDE

    def others() -> None:
        with pytest.raises(TookTooLongError):
            answer()

    assert while_one_computes(slow, answer, others) == 2


def test_after_an_error_the_next_reader_computes(clock: Clock) -> None:
    outcomes = iter([ValueError("away"), 7])

    def call() -> int:
        outcome = next(outcomes)
        if isinstance(outcome, ValueError):
            raise outcome
        return outcome

    answer = held(call, clock)
    with pytest.raises(ValueError, match="away"):
        answer()
    assert answer() == 7
