"""The birds that a simulated node detects, and the packets that carry them.

Written independently of `nodeproc` on purpose: tests check the daemon's parser against a second
implementation of the node protocol.
"""

import json
import random
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

from birdwatcher.simulator.names import GIVEN_NAMES, SPECIES

OFFSETS_MINUTES = (0, 60, 120, 345, 570, -210, -480)
PRECISIONS = ("seconds", "milliseconds", "microseconds")

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """Return the time, with its zone."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class BirdEvent:
    """One bird, with the fields of the node protocol."""

    timestamp: str
    species: str
    name: str

    def payload(self) -> bytes:
        """Return the UTF-8 JSON object of the node protocol."""
        fields = {"timestamp": self.timestamp, "species": self.species, "name": self.name}
        return json.dumps(fields, ensure_ascii=False).encode()


def packet(payload: bytes) -> bytes:
    """Return `payload` after its length: 32 bits, unsigned, little-endian."""
    return struct.pack("<I", len(payload)) + payload


class EventSource:
    """An endless, repeatable sequence of bird events."""

    def __init__(
        self, rng: random.Random, clock: Clock = utc_now, numbers: Iterator[int] | None = None
    ) -> None:
        """`clock` returns an aware time; `numbers`, if given, turns "Bob" into "Bob #17"."""
        self._rng = rng
        self._clock = clock
        self._numbers = numbers

    def next(self) -> BirdEvent:
        """Return a bird that is seen now."""
        species = self._rng.choice(SPECIES)
        name = self._rng.choice(GIVEN_NAMES)
        timestamp = self._timestamp()
        if self._numbers is not None:
            name = f"{name} #{next(self._numbers)}"
        return BirdEvent(timestamp, species, name)

    def _timestamp(self) -> str:
        minutes = self._rng.choice(OFFSETS_MINUTES)
        precision = self._rng.choice(PRECISIONS)
        now = self._clock().astimezone(timezone(timedelta(minutes=minutes)))
        return now.isoformat(timespec=precision).replace("+00:00", "Z")
