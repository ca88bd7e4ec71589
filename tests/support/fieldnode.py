"""A node in the field under the test's control: it listens, sends what it is told, misbehaves.

It has no thread. The kernel completes connections to a listening socket by itself; this class
accepts them when it is asked what it sees. So a test that waits for a connection asks in a loop
(`wait_until(node.connections, …)`), and nothing happens behind its back.
"""

import contextlib
import ctypes
import dataclasses
import itertools
import json
import socket
import struct
from datetime import UTC, datetime, timedelta, timezone

# From Linux' <asm/socket.h> and <linux/filter.h>: a program that a socket runs on every packet.
SO_ATTACH_FILTER, SO_DETACH_FILTER = 26, 27
DROP_EVERY_PACKET = struct.pack("=HBBI", 0x06, 0, 0, 0)  # return 0: keep no byte of it

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
    """Return an event that tells its number: in the name, and in the microseconds of its time."""
    species, name = BIRDS[number % len(BIRDS)]
    moment = EPOCH + timedelta(seconds=number, microseconds=number * 7 % 1_000_000)
    zone = timezone(OFFSETS[number % len(OFFSETS)])
    return Sighting(moment.astimezone(zone), species, f"{name} {number}")


def packet(payload: bytes) -> bytes:
    """Return `payload` with its length before it."""
    return struct.pack("<I", len(payload)) + payload


def encode(sighting: Sighting) -> bytes:
    """Return the packet of an event."""
    fields = {
        "timestamp": sighting.timestamp.isoformat(),
        "species": sighting.species,
        "name": sighting.name,
    }
    return packet(json.dumps(fields, ensure_ascii=False).encode())


class FieldNode:
    """A node listening on one port; `sent` holds what it sent on connections it did not break."""

    def __init__(self, port: int, host: str = "127.0.0.1") -> None:
        self.host = host
        self.port = port
        self.accepted = 0
        self.sent: list[Sighting] = []
        self._numbers = itertools.count()
        self._listener: socket.socket | None = None
        self._connections: list[socket.socket] = []
        self._ghosts: list[socket.socket] = []
        self.listen()

    def listen(self) -> None:
        """Start to listen (again)."""
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        self._listener = socket.socket(family)
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.setblocking(False)
        self._listener.bind((self.host, self.port))
        self._listener.listen(64)

    def refuse(self) -> None:
        """Stop listening; connections that are up stay up."""
        self.connections()
        if self._listener:
            self._listener.close()
        self._listener = None

    def connections(self) -> list[socket.socket]:
        """Return the connections that are up now, oldest first."""
        while self._listener:
            try:
                connection, _ = self._listener.accept()
            except BlockingIOError:
                break
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._connections.append(connection)
            self.accepted += 1
        for connection in list(self._connections):
            if _closed_by_peer(connection):
                self._forget(connection)
        return list(self._connections)

    def connected(self) -> bool:
        """Whether exactly one client is connected."""
        return len(self.connections()) == 1

    def peers(self) -> list[tuple[str, int]]:
        """Return the clients' addresses: the same ones later mean the same connections."""
        return [connection.getpeername()[:2] for connection in self.connections()]

    def send(self, count: int = 1) -> list[Sighting]:
        """Send the next numbered events to every client; return them."""
        sightings = [numbered(next(self._numbers)) for _ in range(count)]
        self.send_raw(b"".join(map(encode, sightings)))
        self.sent += sightings
        return sightings

    def send_raw(self, data: bytes) -> None:
        """Send any bytes to every client, of which there must be one."""
        connections = self.connections()
        if not connections:
            raise AssertionError(f"nobody is connected to node {self.host}:{self.port}")
        for connection in connections:
            connection.settimeout(10)
            connection.sendall(data)

    def drop(self) -> None:
        """Close every connection in good order; go on listening."""
        for connection in self.connections():
            self._forget(connection)

    def reset(self) -> None:
        """Break every connection (RST); go on listening."""
        for connection in self.connections():
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._forget(connection)

    def vanish(self) -> None:
        """Say nothing any more, and hear nothing: not even the other side's system is answered.

        What a node does that loses its power, or its cable. `come_back` ends it.
        """
        self._ghosts += self.connections()
        self._connections = []
        for ghost in [*self._ghosts, self._listener]:
            if ghost:
                _attach_filter(ghost, DROP_EVERY_PACKET)

    def come_back(self) -> None:
        """Listen again after `vanish`; nothing is known of the old connections."""
        if self._listener:
            self._listener.setsockopt(socket.SOL_SOCKET, SO_DETACH_FILTER, 0)

    def close(self) -> None:
        """Stop listening, close everything."""
        self.refuse()
        self.drop()
        for ghost in self._ghosts:
            ghost.close()

    def _forget(self, connection: socket.socket) -> None:
        self._connections.remove(connection)
        connection.close()


def _attach_filter(target: socket.socket, program: bytes) -> None:
    code = ctypes.create_string_buffer(program, len(program))
    instructions = struct.pack("HP", len(program) // 8, ctypes.addressof(code))
    target.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, instructions)


def _closed_by_peer(connection: socket.socket) -> bool:
    connection.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        try:
            return connection.recv(1, socket.MSG_PEEK) == b""
        except (ConnectionError, TimeoutError):
            return True
    return False
