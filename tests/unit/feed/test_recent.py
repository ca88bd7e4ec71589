"""What is kept of the birds that were read last."""

import datetime
import time

from birdwatcher.feed.birds.filter import BirdFilter
from birdwatcher.feed.birds.messages import Sighting
from birdwatcher.feed.birds.recent import KEPT_FOR, Recent, Stretch
from birdwatcher.feed.birds.replay import known
from birdwatcher.feed.cursor import Cursor, DeletionCursor

NOON = datetime.datetime(2026, 5, 1, 12, tzinfo=datetime.UTC)


def stretch(since: int, until: int, deletions: int = 5, age: float = 0.0) -> Stretch:
    """Return a stretch with a bird of every key."""
    birds = [
        Sighting(key, NOON, "x", "Robin", 1, "Moor", 2 - key % 2, doubtful=False)
        for key in range(since + 1, until + 1)
    ]
    return Stretch(since, until, birds, DeletionCursor(0, deletions), time.monotonic() - age)


def at(key: int, *, deletions: int) -> Cursor:
    """Return a cursor."""
    return Cursor(key, DeletionCursor(0, deletions))


def test_it_is_bounded_in_number_and_time() -> None:
    recent = Recent(most_birds=20)
    for since in (0, 10, 20):
        recent.add(stretch(since, since + 10))
    assert recent.after(9) is None
    assert recent.after(10).until == 20
    assert recent.after(30) is None
    recent.add(stretch(30, 40, age=KEPT_FOR))
    assert recent.after(30) is None
    recent.news_at(50)
    assert recent.is_near(30)
    assert not recent.is_near(29)
    recent.forget()
    assert recent.after(25) is None
    assert not recent.is_near(49)


def test_who_is_sent_birds_from_it_gets_all_deletions_since() -> None:
    recent = Recent()
    recent.add(stretch(0, 10))
    piece = known(
        recent,
        BirdFilter.of(node=1),
        at(4, deletions=9),
        at(8, deletions=9),
    )
    assert [bird.id for bird in piece.birds] == [5, 7]
    assert (piece.end, piece.complete) == (at(8, deletions=5), False)
    assert known(recent, BirdFilter(), at(4, deletions=3), None).end == Cursor(
        10, DeletionCursor(0, 3)
    )
    assert known(recent, BirdFilter(), at(8, deletions=5), at(8, deletions=9)) is None
