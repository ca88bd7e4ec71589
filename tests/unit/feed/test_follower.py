"""The queue of a follower of the birds."""

import asyncio
import datetime

import pytest

from birdwatcher.feed.birds import messages
from birdwatcher.feed.birds.filter import BirdFilter
from birdwatcher.feed.birds.messages import Sighting
from birdwatcher.feed.birds.news import BirdNews
from birdwatcher.feed.cursor import Cursor, DeletionCursor
from birdwatcher.feed.follower import QUEUE_BYTES, Follower, Gap

ALL = BirdFilter()
NOON = datetime.datetime(2026, 5, 1, 12, tzinfo=datetime.UTC)


def at(birds: int) -> Cursor:
    """Return a cursor among the birds."""
    return Cursor(birds, DeletionCursor(0, 0))


def birds(*keys: int) -> list[Sighting]:
    """Return birds: even keys of node and species 2, odd ones of 1."""
    return [
        Sighting(key, NOON, "x", "Robin", 2 - key % 2, "Moor", 2 - key % 2, doubtful=False)
        for key in keys
    ]


def news(*keys: int) -> BirdNews:
    """Return birds as news."""
    return BirdNews(at(keys[0] - 1), birds(*keys))


def told(follower: Follower) -> list[str | Gap]:
    """Return everything that is queued."""

    async def take() -> list[str | Gap]:
        return [await follower.next() for _ in range(follower._queue.qsize())]

    return asyncio.run(take())


@pytest.mark.parametrize(
    ("since", "newest", "expected"),
    [
        (None, 10, [11, 12, 13]),  # follows for the first time
        (10, 10, [11, 12, 13]),
        (7, 10, [Gap(at(7), at(10)), 11, 12, 13]),  # was away
        (0, 10, [Gap(at(0), at(10)), 11, 12, 13]),
        (12, 12, [13]),  # another web process, which is ahead, told some already
        (13, 13, []),
        (99, 12, [11, 12, 13]),  # of another database
    ],
)
def test_everything_once(since: int | None, newest: int, expected: list[int | Gap]) -> None:
    follower = Follower(ALL, since)
    follower.begin(at(10), newest)
    follower.put_news(news(11, 12))
    follower.put_news(news(13))
    gaps = [it for it in expected if isinstance(it, Gap)]
    texts = [
        messages.Birds(birds(*keys)).encode()
        for keys in (
            [key for key in (11, 12) if key in expected],
            [key for key in (13,) if key in expected],
        )
        if keys
    ]
    assert told(follower) == [*gaps, *texts]


def test_only_what_is_wanted() -> None:
    follower = Follower(BirdFilter.of(node=1, species=1), None)
    follower.begin(at(0), 0)
    follower.put_news(news(1, 2, 3))
    follower.put_news(news(4))
    assert told(follower) == [messages.Birds(birds(1, 3)).encode()]


def test_a_message_is_made_once_for_all_who_want_the_same() -> None:
    some, first = news(1, 2, 3), BirdFilter.of(node=1)
    assert some.rows(first, 0) is some.rows(BirdFilter.of(node=1), 0)
    assert some.rows(first, 1) == messages.Birds(birds(3)).encode()


def test_a_follower_that_reads_too_slowly_is_dropped() -> None:
    follower = Follower(ALL, None, queue=3)
    follower.begin(at(0), 0)
    for key in range(1, 4):
        follower.put_news(news(key))
    assert not follower.too_slow.is_set()
    follower.put_news(news(4))
    assert follower.too_slow.is_set()
    assert len(told(follower)) == 3
    follower.put_news(news(5))
    assert told(follower) == []


def test_what_waits_is_bounded_in_bytes_too() -> None:
    follower = Follower(ALL, None)
    text = "x" * (QUEUE_BYTES // 4)
    for _ in range(4):
        follower.put(text)
    assert len(told(follower)) == 4
    for _ in range(5):
        follower.put(text)
    assert follower.too_slow.is_set()
    assert len(told(follower)) == 4
