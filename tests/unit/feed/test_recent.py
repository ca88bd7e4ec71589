"""What is kept of the birds that were read last."""

import datetime
import time

from birdwatcher.feed.cursor import Gone, Place
from birdwatcher.feed.messages import Sighting
from birdwatcher.feed.recent import KEPT_FOR, Recent, Stretch
from birdwatcher.feed.replay import known
from birdwatcher.feed.wanted import Wanted

NOON = datetime.datetime(2026, 5, 1, 12, tzinfo=datetime.UTC)


def stretch(since: int, until: int, gone: int = 5, age: float = 0.0) -> Stretch:
    """Return a stretch with a bird of every key."""
    birds = [
        Sighting(key, NOON, "x", "Robin", 1, "Moor", 2 - key % 2, doubtful=False)
        for key in range(since + 1, until + 1)
    ]
    return Stretch(since, until, birds, Gone(0, gone), time.monotonic() - age)


def test_it_is_bounded_in_number_and_time() -> None:
    recent = Recent(most_birds=20)
    for at in (0, 10, 20):
        recent.add(stretch(at, at + 10))
    assert recent.behind(9) is None
    assert recent.behind(10).until == 20
    assert recent.behind(30) is None
    recent.add(stretch(30, 40, age=KEPT_FOR))
    assert recent.behind(30) is None
    recent.news_at(50)
    assert recent.is_near(30)
    assert not recent.is_near(29)
    recent.forget()
    assert recent.behind(25) is None
    assert not recent.is_near(49)


def test_whoever_is_told_from_it_is_told_all_deletions_since() -> None:
    recent = Recent()
    recent.add(stretch(0, 10))
    piece = known(recent, Wanted.of(node=1), Place(4, Gone(0, 9)), Place(8, Gone(0, 9)))
    assert [bird.id for bird in piece.birds] == [5, 7]
    assert (piece.place, piece.complete) == (Place(8, Gone(0, 5)), False)
    assert known(recent, Wanted(), Place(4, Gone(0, 3)), None).place == Place(10, Gone(0, 3))
    assert known(recent, Wanted(), Place(8, Gone(0, 5)), Place(8, Gone(0, 9))) is None
