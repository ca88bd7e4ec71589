"""The packets of the load: every one tells which node sent it, and which of that node's it is."""

from datetime import UTC, datetime, timedelta, timezone

from tests.support.packets import BIRDS, Sighting, encode, packet

EPOCH = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
ZONES = tuple(timezone(timedelta(minutes=minutes)) for minutes in (0, 345, -570, 840))
GARBAGE_EVERY, GARBAGE_AT = 50, 17
LONG_EVERY, LONG_AT = 31, 5
LONGEST = 255  # characters of a name, as the protocol allows


def is_garbage(serial: int) -> bool:
    """Whether the packet with this serial is one that the daemon has to reject."""
    return serial % GARBAGE_EVERY == GARBAGE_AT


def sighting(node: int, serial: int) -> Sighting:
    """Return the event with this serial of a node; no two of all nodes are alike."""
    species, given = BIRDS[serial % len(BIRDS)]
    name = f"{given} {node}-{serial}"
    if serial % LONG_EVERY == LONG_AT:
        name = name.rjust(LONGEST, "é")
    moment = EPOCH + timedelta(seconds=serial, microseconds=(serial * 7919 + node) % 1_000_000)
    return Sighting(moment.astimezone(ZONES[serial % len(ZONES)]), species, name)


def packet_of(node: int, serial: int) -> bytes:
    """Return the packet with this serial, its length included."""
    if is_garbage(serial):
        return packet(f'{{"serial": {serial}, "node"'.encode())
    return encode(sighting(node, serial))


def serial_of(name: str) -> int | None:
    """Return the serial of the event with this name, None if it is none of ours."""
    digits = name.rpartition("-")[2]
    return int(digits) if digits.isdecimal() else None
