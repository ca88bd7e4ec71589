"""What nodes send: every valid event kept exactly, every malformed one counted, framing lost."""

import json
import struct
import time
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from birdwatcher.birds.models import Species
from birdwatcher.nodes.models import NodeStatus
from tests.support.books import wait_for_birds
from tests.support.daemon import Daemon
from tests.support.databases import Database
from tests.support.fieldnode import FieldNode
from tests.support.packets import Sighting, encode, numbered, packet
from tests.support.park import Park, Station
from tests.support.waiting import Promise, wait_until

LIMIT = 64 * 1024  # bytes: the default of the longest packet


def event(timestamp: object, species: object = "Robin", name: object = "Bob") -> bytes:
    """Return a packet with these fields, of whatever types."""
    fields = {"timestamp": timestamp, "species": species, "name": name}
    return packet(json.dumps(fields, ensure_ascii=False).encode())


def utc(*moment: int) -> datetime:
    """Return a moment in UTC."""
    return datetime(*moment, tzinfo=UTC)


# What a node may write, and the moment that it means.
TIMESTAMPS = {
    "2026-03-01T12:00:00Z": utc(2026, 3, 1, 12),
    "2026-03-01T12:00:01.000001Z": utc(2026, 3, 1, 12, 0, 1, 1),
    "2026-03-01T12:00:02.999999+00:00": utc(2026, 3, 1, 12, 0, 2, 999_999),
    "2026-03-01T12:00:03.5+05:45": utc(2026, 3, 1, 6, 15, 3, 500_000),
    "2026-03-01T12:00:04-09:30": utc(2026, 3, 1, 21, 30, 4),
    "2026-03-01T12:00:05+1400": utc(2026, 2, 28, 22, 0, 5),
    "2026-03-01T12:00:06.123456": utc(2026, 3, 1, 12, 0, 6, 123_456),
    "1969-12-31T23:59:59.999999Z": utc(1969, 12, 31, 23, 59, 59, 999_999),
    "2400-02-29T00:00:00.000001Z": utc(2400, 2, 29, 0, 0, 0, 1),
}

MALFORMED = {
    "not UTF-8": packet(b'{"name": "\xff"}'),
    "not JSON": packet(b"{"),
    "not an object": packet(b"[1, 2, 3]"),
    "no field": packet(b"{}"),
    "a field missing": packet(b'{"timestamp": "2026-03-01T12:00:00Z", "species": "Robin"}'),
    "a number for a name": event("2026-03-01T12:00:00Z", name=7),
    "null for a species": event("2026-03-01T12:00:00Z", species=None),
    "not a timestamp": event("yesterday"),
    "no such day": event("2026-02-30T12:00:00Z"),
    "an empty name": event("2026-03-01T12:00:00Z", name=""),
    "a species too long": event("2026-03-01T12:00:00Z", species="x" * 256),
    "a NUL": event("2026-03-01T12:00:00Z", name="a\0b"),
    "a lone surrogate": packet(
        b'{"timestamp": "2026-03-01T12:00:00Z", "species": "Robin", "name": "\\ud800"}'
    ),
    "nested too deep": packet(b"[" * 20_000),
    "a number too long": packet(b'{"timestamp": ' + b"1" * 10_000 + b"}"),
}


def counted(station: Station, events: int, rejected: int) -> None:
    """Wait until the node's status counts so many events and rejected packets."""
    wait_until(
        lambda: NodeStatus.objects.filter(
            node_id=station.id, events=events, rejected=rejected
        ).exists(),
        timeout=15,
        message=lambda: (
            f"{events} events and {rejected} rejected are counted; "
            f"{NodeStatus.objects.filter(node_id=station.id).values()}"
        ),
    )


def test_every_event_is_kept_exactly(park: Park) -> None:
    one, other = park.add("Dartmoor"), park.add("Þingvellir")
    for count in (1, 10, 500):
        one.field.send(count)
        other.field.send(2 * count)
    one.wait_for_birds()
    other.wait_for_birds()
    counted(one, events=511, rejected=0)
    assert Species.objects.count() == len({bird.species for bird in one.field.sent})
    park.bystander_noticed_nothing()


def test_timestamps_mean_the_same_moment(park: Park) -> None:
    station = park.add("Dartmoor")
    expected = []
    for number, (text, moment) in enumerate(TIMESTAMPS.items()):
        station.field.send_raw(event(text, "Kōkako", f"Tāne {number}"))
        expected.append(Sighting(moment, "Kōkako", f"Tāne {number}"))
    wait_for_birds(station.id, expected)


def test_longest_texts_and_unknown_fields_are_taken(park: Park) -> None:
    station = park.add("Dartmoor")
    # 255 characters that are 1020 bytes.
    long = Sighting(utc(2026, 3, 1, 12), "🐦" * 255, "Å" * 255)
    station.field.send_raw(encode(long))
    more = {"timestamp": "2026-03-01T12:00:01Z", "species": "Robin", "name": "Bob", "age": 7}
    station.field.send_raw(packet(json.dumps(more).encode()))
    wait_for_birds(station.id, [long, Sighting(utc(2026, 3, 1, 12, 0, 1), "Robin", "Bob")])


def test_same_event_twice_is_two_birds(park: Park) -> None:
    station = park.add("Dartmoor")
    twin = numbered(1)
    station.field.send_raw(encode(twin) * 2)
    wait_for_birds(station.id, [twin, twin])


def test_packets_in_pieces(park: Park) -> None:
    station = park.add("Dartmoor")
    sightings = [numbered(number) for number in range(3)]
    for byte in b"".join(map(encode, sightings)):
        station.field.send_raw(bytes([byte]))
        time.sleep(0.001)
    wait_for_birds(station.id, sightings)


def test_malformed_packets_are_counted_and_the_stream_goes_on(park: Park) -> None:
    station = park.add("Dartmoor")
    peers = station.field.peers()
    for malformed in MALFORMED.values():
        station.field.send(1)
        station.field.send_raw(malformed)
    station.field.send(1)
    station.wait_for_birds()
    counted(station, events=len(MALFORMED) + 1, rejected=len(MALFORMED))
    assert station.field.peers() == peers
    assert "Traceback" not in park.daemon.text()
    park.bystander_noticed_nothing()


@pytest.mark.parametrize("length", [0, LIMIT + 1, 0xFFFF_FFFF])
def test_impossible_length_closes_the_connection(park: Park, length: int) -> None:
    station = park.add("Dartmoor")
    station.field.send(3)
    # What follows in the same breath cannot be told apart: it must not be taken for events.
    station.field.send_raw(struct.pack("<I", length) + encode(numbered(999)) * 50)
    wait_until(
        lambda: station.field.connected() and station.field.accepted == 2,
        timeout=15,
        message="the connection is closed, and there is a new one",
    )
    station.field.send(3)
    station.wait_for_birds()
    counted(station, events=6, rejected=1)
    park.bystander_noticed_nothing()


def test_limit_of_a_packet_is_configurable(
    database: Database,
    start_daemon: Callable[..., Daemon],
    field_node: Callable[..., FieldNode],
    promise: Promise,
) -> None:
    daemon = start_daemon(database, BIRDWATCHER_MAX_PACKET_BYTES="1024")
    park = Park(database, daemon, field_node, promise)
    station = park.add("Dartmoor")
    longest = encode(numbered(1))[4:]
    station.field.send_raw(packet(longest + b" " * (1024 - len(longest))))
    wait_for_birds(station.id, [numbered(1)])
    station.field.send_raw(packet(longest + b" " * (1025 - len(longest))))
    wait_until(
        lambda: station.field.connected() and station.field.accepted == 2,
        timeout=15,
        message="the connection is closed, and there is a new one",
    )
    counted(station, events=1, rejected=1)
