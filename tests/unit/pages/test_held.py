"""Answers that are held for a moment."""

from itertools import count

from django.utils import timezone

from birdwatcher.pages.overview.held import KEPT, held


def test_an_answer_is_held_for_a_moment_for_each_zone() -> None:
    now = 1000.0
    numbers = count(1)
    ask = held(lambda: next(numbers), clock=lambda: now)
    with timezone.override("Europe/Berlin"):
        assert [ask(), ask()] == [1, 1]
    with timezone.override("Asia/Kathmandu"):
        assert ask() == 2
    now += KEPT - 0.1
    with timezone.override("Europe/Berlin"):
        assert ask() == 1
        now += 0.1
        assert [ask(), ask()] == [3, 3]
