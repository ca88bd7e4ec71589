"""What waits for one who follows the birds."""

import asyncio
import datetime

import pytest

from birdwatcher.feed import messages
from birdwatcher.feed.cursor import Gone, Place
from birdwatcher.feed.delivery import Delivery
from birdwatcher.feed.followers import WAITING_BYTES, Client, Gap
from birdwatcher.feed.messages import Sighting
from birdwatcher.feed.wanted import Wanted

ALL = Wanted()
NOON = datetime.datetime(2026, 5, 1, 12, tzinfo=datetime.UTC)


def at(birds: int) -> Place:
    """Return a place among the birds."""
    return Place(birds, Gone(0, 0))


def birds(*keys: int) -> list[Sighting]:
    """Return birds: even keys of node and species 2, odd ones of 1."""
    return [
        Sighting(key, NOON, "x", "Robin", 2 - key % 2, "Moor", 2 - key % 2, doubtful=False)
        for key in keys
    ]


def told(client: Client) -> list[str | Gap]:
    """Return all that waits."""

    async def take() -> list[str | Gap]:
        return [await client.next() for _ in range(client._queue.qsize())]

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
    client = Client(ALL, since)
    client.begin(at(10), newest)
    client.offer(Delivery(birds(11, 12)))
    client.offer(Delivery(birds(13)))
    gaps = [it for it in expected if isinstance(it, Gap)]
    texts = [
        messages.birds(birds(*keys))
        for keys in (
            [key for key in (11, 12) if key in expected],
            [key for key in (13,) if key in expected],
        )
        if keys
    ]
    assert told(client) == [*gaps, *texts]


def test_only_what_is_wanted() -> None:
    client = Client(Wanted.of(node=1, species=1), None)
    client.begin(at(0), 0)
    client.offer(Delivery(birds(1, 2, 3)))
    client.offer(Delivery(birds(4)))
    assert told(client) == [messages.birds(birds(1, 3))]


def test_a_message_is_made_once_for_all_who_want_the_same() -> None:
    delivery = Delivery(birds(1, 2, 3))
    assert delivery.text(Wanted.of(node=1)) is delivery.text(Wanted.of(node=1))
    assert delivery.behind(0) is delivery


def test_whoever_takes_too_little_loses_the_place() -> None:
    client = Client(ALL, None, waiting=3)
    client.begin(at(0), 0)
    for key in range(1, 4):
        client.offer(Delivery(birds(key)))
    assert not client.too_slow.is_set()
    client.offer(Delivery(birds(4)))
    assert client.too_slow.is_set()
    assert len(told(client)) == 3
    client.offer(Delivery(birds(5)))
    assert told(client) == []


def test_what_waits_is_bounded_in_bytes_too() -> None:
    client = Client(ALL, None)
    text = "x" * (WAITING_BYTES // 4)
    for _ in range(4):
        client.put(text)
    assert len(told(client)) == 4
    for _ in range(5):
        client.put(text)
    assert client.too_slow.is_set()
    assert len(told(client)) == 4
