"""Answers that are held for a moment."""

from itertools import count

from django.utils import timezone

from birdwatcher.pages.overview.held import KEPT, Held


def test_an_answer_is_held_for_a_moment_for_each_zone() -> None:
    now = 1000.0
    numbers = count(1)
    held = Held(lambda: next(numbers), clock=lambda: now)
    with timezone.override("Europe/Berlin"):
        assert [held.ask(), held.ask()] == [1, 1]
    with timezone.override("Asia/Kathmandu"):
        assert held.ask() == 2
    now += KEPT - 0.1
    with timezone.override("Europe/Berlin"):
        assert held.ask() == 1
        now += 0.1
        assert [held.ask(), held.ask()] == [3, 3]
