"""Packets that break the node protocol, each in its own way."""

import json
import random
import struct
from collections.abc import Callable, Iterator

from birdwatcher.simulator.events import BirdEvent

FIELDS = ("timestamp", "species", "name")
NOT_STRINGS: tuple[object, ...] = (None, True, 17, 1.5, [], {})
NOT_TIMESTAMPS = ("", "yesterday", "2026-02-30T12:00:00Z", "2026-01-01T25:00:00Z", "12:00")
# Texts that the database cannot store: empty, too long, with a NUL, with half a surrogate pair.
NOT_TEXTS = ("", "x" * 256, "Bob\0", "Bob\ud83d")
NOT_OBJECTS: tuple[object, ...] = ([], [1, 2], "Bob", 17, None, True)
# 0, more than any sensible limit, and big-endian or negative lengths, read as unsigned.
IMPOSSIBLE_LENGTHS = (0, 0x0100_0000, 0x6000_0000, 0x7FFF_FFFF, 0xFFFF_FFFF)


def malformed(rng: random.Random, event: BirdEvent) -> bytes:
    """Return the content of `event`'s packet, broken in one of many ways."""
    return rng.choice(_WAYS)(rng, event)


def impossible_length(rng: random.Random) -> bytes:
    """Return the four bytes of an impossible length."""
    return struct.pack("<I", rng.choice(IMPOSSIBLE_LENGTHS))


def pieces(rng: random.Random, data: bytes, longest: int = 16) -> Iterator[bytes]:
    """Cut `data` into pieces of 1 to `longest` bytes."""
    at = 0
    while at < len(data):
        end = at + rng.randint(1, longest)
        yield data[at:end]
        at = end


def _fields(event: BirdEvent, **changes: object) -> bytes:
    fields = {"timestamp": event.timestamp, "species": event.species, "name": event.name}
    return json.dumps(fields | changes).encode()


def _not_utf8(rng: random.Random, event: BirdEvent) -> bytes:
    payload = event.payload()
    at = rng.randrange(1, len(payload))
    return payload[:at] + b"\xff" + payload[at:]


def _latin1(_rng: random.Random, event: BirdEvent) -> bytes:
    return event.payload().replace(b'"}', "ü".encode("latin-1") + b'"}')


def _utf16(_rng: random.Random, event: BirdEvent) -> bytes:
    return event.payload().decode().encode("utf-16")


def _noise(rng: random.Random, _event: BirdEvent) -> bytes:
    return b"\xfe" + rng.randbytes(rng.randint(1, 200))


def _not_json(_rng: random.Random, event: BirdEvent) -> bytes:
    return event.payload().replace(b'"', b"'")


def _cut_off(rng: random.Random, event: BirdEvent) -> bytes:
    payload = event.payload()
    # Decoded with errors ignored, so that the JSON is broken and not the UTF-8.
    return payload[: rng.randrange(1, len(payload))].decode(errors="ignore").encode()


def _not_an_object(rng: random.Random, _event: BirdEvent) -> bytes:
    return json.dumps(rng.choice(NOT_OBJECTS)).encode()


def _too_deep(_rng: random.Random, _event: BirdEvent) -> bytes:
    return b"[" * 20_000


def _long_number(_rng: random.Random, event: BirdEvent) -> bytes:
    timestamp = json.dumps(event.timestamp).encode()
    return event.payload().replace(timestamp, b"9" * 5_000)


def _field_missing(rng: random.Random, event: BirdEvent) -> bytes:
    fields = json.loads(event.payload())
    del fields[rng.choice(FIELDS)]
    return json.dumps(fields).encode()


def _field_of_another_type(rng: random.Random, event: BirdEvent) -> bytes:
    return _fields(event, **{rng.choice(FIELDS): rng.choice(NOT_STRINGS)})


def _not_a_timestamp(rng: random.Random, event: BirdEvent) -> bytes:
    return _fields(event, timestamp=rng.choice(NOT_TIMESTAMPS))


def _not_a_text(rng: random.Random, event: BirdEvent) -> bytes:
    return _fields(event, **{rng.choice(("species", "name")): rng.choice(NOT_TEXTS)})


_WAYS: tuple[Callable[[random.Random, BirdEvent], bytes], ...] = (
    _not_utf8,
    _latin1,
    _utf16,
    _noise,
    _not_json,
    _cut_off,
    _not_an_object,
    _too_deep,
    _long_number,
    _field_missing,
    _field_of_another_type,
    _not_a_timestamp,
    _not_a_text,
)
