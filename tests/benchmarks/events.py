"""The events of a benchmark, as the bytes that a node sends; rendered before any clock runs."""

import json
from datetime import UTC, datetime, timedelta

from birdwatcher.simulator.names import GIVEN_NAMES, SPECIES
from tests.support.packets import packet

STEP = timedelta(milliseconds=1)  # between two events of a node: each has a time of its own


def address(number: int) -> str:
    """Return the address of a node: the whole of 127.0.0.0/8 is this machine."""
    return f"127.1.{number // 250}.{number % 250 + 1}"


def frames(count: int, until: datetime | None = None) -> list[bytes]:
    """Return the packets of so many events of one node, all different, the newest at `until`."""
    start = (until or datetime.now(UTC)) - count * STEP
    return [_frame(start + number * STEP, number) for number in range(count)]


def _frame(moment: datetime, number: int) -> bytes:
    fields = {
        "timestamp": moment.isoformat(timespec="milliseconds"),
        "species": SPECIES[number % len(SPECIES)],
        "name": f"{GIVEN_NAMES[number % len(GIVEN_NAMES)]} {number}",
    }
    return packet(json.dumps(fields, ensure_ascii=False).encode())
