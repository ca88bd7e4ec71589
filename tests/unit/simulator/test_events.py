"""The simulator's birds: legal packets of the node protocol, the same ones for the same seed."""

import itertools
import json
import random
from datetime import UTC, datetime

from birdwatcher.simulator.events import BirdEvent, EventSource, packet
from nodeproc.sources.tcp.events import parse_event

NOW = datetime(2026, 3, 1, 12, 30, 15, 123456, tzinfo=UTC)


def source(seed: int = 1, **options: object) -> EventSource:
    return EventSource(random.Random(seed), clock=lambda: NOW, **options)  # noqa: S311


def draw(events: EventSource, count: int) -> list[BirdEvent]:
    return [events.next() for _ in range(count)]


def test_same_seed_same_birds() -> None:
    assert draw(source(1), 50) == draw(source(1), 50)
    assert draw(source(1), 50) != draw(source(2), 50)


def test_timestamps_are_now_in_many_notations() -> None:
    timestamps = [event.timestamp for event in draw(source(), 300)]
    exact = {text for text in timestamps if ".123456" in text}
    assert all(datetime.fromisoformat(text) == NOW for text in exact)
    assert all(
        datetime.fromisoformat(text).replace(microsecond=0) == NOW.replace(microsecond=0)
        for text in timestamps
    )
    endings = {text[-6:] for text in timestamps}
    assert {"+05:45", "-03:30", "+01:00"} < endings
    assert any(text.endswith("Z") for text in timestamps)
    assert {len(text.partition(".")[2].rstrip("Z")[:6]) for text in timestamps} >= {0, 6}


def test_the_daemon_understands_every_event() -> None:
    for event in draw(source(), 300):
        microseconds, species, name = parse_event(event.payload())
        moment = datetime.fromisoformat(event.timestamp)
        assert datetime.fromtimestamp(microseconds / 1_000_000, UTC) == moment
        assert (species, name) == (event.species, event.name)


def test_names_are_in_utf8_and_not_only_in_ascii() -> None:
    payloads = [event.payload() for event in draw(source(), 300)]
    assert any(not payload.isascii() for payload in payloads)
    assert all(json.loads(payload.decode())["species"] for payload in payloads)


def test_numbers_make_names_unique_across_sources() -> None:
    numbers = itertools.count(1)
    first, second = source(1, numbers=numbers), source(1, numbers=numbers)
    names = [event.name for event in itertools.chain(draw(first, 100), draw(second, 100))]
    assert len(set(names)) == 200
    assert names[0].endswith(" #1")
    assert names[-1].endswith(" #200")


def test_numbers_change_nothing_else() -> None:
    plain, numbered = draw(source(), 20), draw(source(numbers=itertools.count(1)), 20)
    assert [event.species for event in plain] == [event.species for event in numbered]
    assert [event.timestamp for event in plain] == [event.timestamp for event in numbered]


def test_a_packet_begins_with_its_length_in_little_endian() -> None:
    assert packet(b"x" * 258) == b"\x02\x01\x00\x00" + b"x" * 258
