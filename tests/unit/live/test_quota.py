"""Who may have how many of the places of one web process."""

import contextlib

import pytest

from birdwatcher.live import quota as places
from birdwatcher.live.quota import FullError, Kind, Places, TooManyError


def test_nobody_takes_the_places_of_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "MOST", 25)
    monkeypatch.setattr(places, "FOR_PAGES", 5)
    some = Places()
    with contextlib.ExitStack() as taken:

        def take(who: str, kind: Kind) -> None:
            taken.enter_context(some.taken(who, kind))

        for who in ("token 1", "token 2"):
            for _ in range(Kind.PROGRAM):
                take(who, Kind.PROGRAM)
            if who == "token 1":
                with pytest.raises(TooManyError):
                    take(who, Kind.PROGRAM)
        with pytest.raises(FullError):
            take("token 3", Kind.PROGRAM)
        for _ in range(5):
            take("token 1", Kind.PAGE)
        with pytest.raises(FullError):
            take("user 1", Kind.PAGE)
    assert some.count == 0
    with some.taken("token 1", Kind.PROGRAM):
        assert some.count == 1
