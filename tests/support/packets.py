"""The events that nodes send in the tests, and the packets that carry them.

Written apart from `nodeproc`, whose reading of the node protocol they check.
"""

import dataclasses
import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, timezone

# Names as birds and people have them, and offsets from all over the world.
BIRDS = (("Blåmes", "Åsa"), ("シジュウカラ", "はな"), ("Kōkako", "Tāne"), ("Robin 🐦", "Zoë"))
OFFSETS = (timedelta(0), timedelta(hours=5, minutes=45), timedelta(hours=-9, minutes=-30))
EPOCH = datetime(2026, 3, 1, 12, 0, 0, 1, tzinfo=UTC)


@dataclasses.dataclass(frozen=True, order=True)
class Sighting:
    """One bird as a node saw it, comparable with a row of the database."""

    timestamp: datetime
    species: str
    name: str


def numbered(number: int) -> Sighting:
    """Return an event that shows its number: in the name, and in the microseconds of its time."""
    species, name = BIRDS[number % len(BIRDS)]
    moment = EPOCH + timedelta(seconds=number, microseconds=number * 7 % 1_000_000)
    zone = timezone(OFFSETS[number % len(OFFSETS)])
    return Sighting(moment.astimezone(zone), species, f"{name} {number}")


def packet(payload: bytes) -> bytes:
    """Return `payload` after its length: 32 bits, unsigned, little-endian."""
    return len(payload).to_bytes(4, "little") + payload


def framed(payloads: Iterable[bytes]) -> bytes:
    """Return the packets of all `payloads`, one after the other."""
    return b"".join(map(packet, payloads))


def encode(sighting: Sighting) -> bytes:
    """Return the packet of an event."""
    fields = {
        "timestamp": sighting.timestamp.isoformat(),
        "species": sighting.species,
        "name": sighting.name,
    }
    return packet(json.dumps(fields, ensure_ascii=False).encode())
