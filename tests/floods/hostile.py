"""Hostile nodes: `python -m tests.floods.hostile KIND HOST PORT` is one, until it is killed."""

import itertools
import json
import socket
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

from tests.support.packets import packet

CHUNK = 1000  # packets in one `send`
SLOWLY = 0.2  # seconds between two bytes
DAYS = 3_600_000  # from the first to nearly the last that is a date


def _event(**changes: str) -> bytes:
    fields = {"timestamp": datetime.now(UTC).isoformat(), "species": "Robin", "name": "Flood"}
    return packet(json.dumps(fields | changes).encode())


def _species() -> Iterator[bytes]:
    """Yield events that each name a species of their own."""
    head, tail = _event(species="Species 00000000").split(b"00000000")
    for first in itertools.count(0, CHUNK):
        numbers = range(first, first + CHUNK)
        yield b"".join(b"%s%08d%s" % (head, number, tail) for number in numbers)


def _one_species() -> Iterator[bytes]:
    """Yield the same event for ever."""
    yield from itertools.repeat(_event() * CHUNK)


def _garbage() -> Iterator[bytes]:
    """Yield packets that each break a rule."""
    kinds = [packet(b"\xff\xfe"), packet(b"{"), packet(b"[" * 200), _event(species="")]
    yield from itertools.repeat(b"".join(kinds * (CHUNK // len(kinds))))


def _times() -> Iterator[bytes]:
    """Yield events from all over the calendar, each in an hour of its own."""
    first = datetime(1, 1, 2, tzinfo=UTC)
    for number in itertools.count(0, CHUNK):
        days = (
            timedelta(days=it * 7919 % DAYS, hours=it % 24) for it in range(number, number + CHUNK)
        )
        yield b"".join(_event(timestamp=(first + it).isoformat()) for it in days)


def _slow() -> Iterator[bytes]:
    """Yield one byte now and then, of a packet that is never whole."""
    yield b"\xff\xff\x00\x00"
    for _ in itertools.count():
        time.sleep(SLOWLY)
        yield b"a"


KINDS: dict[str, Callable[[], Iterator[bytes]]] = {
    "many species": _species,
    "one species": _one_species,
    "garbage": _garbage,
    "wild times": _times,
    "slow bytes": _slow,
}


def _serve(listener: socket.socket, kind: str) -> None:
    """Flood one client after the other, as fast as it takes it."""
    while True:
        connection, _ = listener.accept()
        with connection:
            try:
                for data in KINDS[kind]():
                    connection.sendall(data)
            except OSError:  # the client has had enough
                continue


if __name__ == "__main__":
    with socket.create_server((sys.argv[2], int(sys.argv[3]))) as server:
        _serve(server, sys.argv[1])
