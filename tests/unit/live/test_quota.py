"""The quota of connections of one web process."""

import contextlib

import pytest

from birdwatcher.live import quota
from birdwatcher.live.quota import ConnectionQuota, FullError, Kind, TooManyError


def test_nobody_takes_the_connections_of_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quota, "MOST", 25)
    monkeypatch.setattr(quota, "FOR_PAGES", 5)
    connections = ConnectionQuota()
    with contextlib.ExitStack() as taken:

        def take(who: str, kind: Kind) -> None:
            taken.enter_context(connections.taken(who, kind))

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
    assert connections.count == 0
    with connections.taken("token 1", Kind.PROGRAM):
        assert connections.count == 1
