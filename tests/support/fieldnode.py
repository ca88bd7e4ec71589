"""A node in the field under the test's control: it listens, sends what it is told, misbehaves.

`FieldNode` is what most tests need. It has no thread. The kernel completes connections to a
listening socket by itself; this class accepts them when it is asked what it sees. So a test that
waits for a connection asks in a loop (`wait_until(node.connections, …)`), and nothing happens
unnoticed. The nodes of the benchmarks and of fault injection serve their connections in a loop of
their own; they share its `Listener`.
"""

import contextlib
import ctypes
import itertools
import socket
import struct
from collections.abc import Iterator

from tests.support.packets import Sighting, encode, numbered

# From Linux' <asm/socket.h> and <linux/filter.h>: a program that a socket runs on every packet.
SO_ATTACH_FILTER, SO_DETACH_FILTER = 26, 27
DROP_EVERY_PACKET = struct.pack("=HBBI", 0x06, 0, 0, 0)  # return 0: keep no byte of it

RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # struct linger


class Listener:
    """The sockets of a node that listen; the connections that are up do not depend on them."""

    BACKLOG = 64

    def __init__(self, host: str, *ports: int) -> None:
        """Nothing listens before `listen`."""
        self.host = host
        self.ports = ports
        self.listening: list[socket.socket] = []

    def make_socket(self) -> socket.socket:
        """Return a TCP socket, to listen with."""
        return socket.socket(socket.AF_INET6 if ":" in self.host else socket.AF_INET)

    def listen(self) -> None:
        """Listen on every port (again)."""
        for port in () if self.listening else self.ports:
            listener = self.make_socket()
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.setblocking(False)
            listener.bind((self.host, port))
            listener.listen(self.BACKLOG)
            self.listening.append(listener)

    def refuse(self) -> None:
        """Stop listening; connections that are up stay up."""
        for listener in self.listening:
            listener.close()
        self.listening = []

    def accept(self) -> Iterator[socket.socket]:
        """Yield a connection to each client that is waiting for one."""
        for listener in self.listening:
            while True:
                try:
                    connection, _ = listener.accept()
                except BlockingIOError:
                    break
                except ConnectionAbortedError:  # the client is gone already
                    continue
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                yield connection


def reset_on_close(connection: socket.socket) -> None:
    """Have the connection broken (RST) when it is closed."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)


class FieldNode(Listener):
    """A node listening on one port; `sent` holds what it sent on connections it did not break."""

    def __init__(self, port: int, host: str = "127.0.0.1") -> None:
        super().__init__(host, port)
        self.accepted = 0
        self.sent: list[Sighting] = []
        self._numbers = itertools.count()
        self._connections: list[socket.socket] = []
        self._ghosts: list[socket.socket] = []
        self.listen()

    @property
    def port(self) -> int:
        """The port on which it listens; another one counts from the next `listen` on."""
        return self.ports[0]

    @port.setter
    def port(self, port: int) -> None:
        self.ports = (port,)

    def refuse(self) -> None:
        """Stop listening; connections that are up stay up, those still waiting too."""
        self.connections()
        super().refuse()

    def connections(self) -> list[socket.socket]:
        """Return the connections that are up now, oldest first."""
        for connection in self.accept():
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
            reset_on_close(connection)
            self._forget(connection)

    def vanish(self) -> None:
        """Say nothing any more, and hear nothing: not even the other side's system is answered.

        What a node does that loses its power, or its cable. `come_back` ends it.
        """
        self._ghosts += self.connections()
        self._connections = []
        for ghost in [*self._ghosts, *self.listening]:
            _attach_filter(ghost, DROP_EVERY_PACKET)

    def come_back(self) -> None:
        """Listen again after `vanish`; nothing is known of the old connections."""
        for listener in self.listening:
            listener.setsockopt(socket.SOL_SOCKET, SO_DETACH_FILTER, 0)

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
