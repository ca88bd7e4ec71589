"""Cuts off clients that stall, or are very slow: uvicorn waits for them without a bound.

A client must send the head of a request within `SOCKET_TIMEOUT`, and take something of an answer
within the same time. (`birdwatcher.server.handler` bounds the body of a request.) While something
waits for it, it must take `LEAST_SPEED`, measured over `SPEED_WINDOW`: what waits is in memory, and
an export keeps its place.

Uvicorn (as of 0.54) has no settings for this, and the kernel's TCP_USER_TIMEOUT will not do: Linux
(as of 6.18) also ends a connection whose client reads, as long as the next segment is larger than
the window. So each look compares what a connection waits for with the look before. It reads
attributes of uvicorn's protocols; `tests/unit/server/test_internals.py` shows if one has gone.
"""

import fcntl
import socket
import struct
import termios
import time
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from uvicorn.protocols.http.h11_impl import H11Protocol

from birdwatcher.common.limits import LEAST_SPEED, SOCKET_TIMEOUT, SPEED_WINDOW

Connection = Any  # one of uvicorn's protocols
# Where `struct tcp_info` of linux/tcp.h has `tcpi_bytes_acked`, 64 bits (since Linux 4.1).
BYTES_ACKED = 120


class _Look(NamedTuple):
    """What a connection waits for, since when, and what its client had taken when."""

    awaited: object
    since: float
    taken: int | None
    measured: float

    def has_stalled(self, now: float) -> bool:
        """Whether it waits for the same for too long."""
        return now - self.since >= SOCKET_TIMEOUT

    def is_slow(self, taken: int | None, now: float) -> bool:
        """Whether the client, which now has taken so many bytes, has taken too few."""
        passed = now - self.measured
        if taken is None or self.taken is None or passed < SPEED_WINDOW:
            return False
        return taken - self.taken < LEAST_SPEED * passed

    def next(self, taken: int | None, now: float) -> "_Look":
        """Return it with the speed measured from now on, if a window has passed."""
        begins = self.taken is None or taken is None or now - self.measured >= SPEED_WINDOW
        return self._replace(taken=taken, measured=now) if begins else self


class Stalled:
    """Remembers since when each connection waits for the same."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen: dict[Connection, _Look] = {}

    def abort(self, connections: Iterable[Connection]) -> None:
        """Abort those of all `connections` that stall; to be called about once a second."""
        before, self._seen = self._seen, {}
        now = self._clock()
        for connection in connections:
            awaited = _awaited(connection)
            if awaited is None:
                continue
            taken = _taken(connection)
            state = (awaited, taken)
            seen = before.get(connection) or _Look(state, now, taken, now)
            if seen.awaited != state:
                seen = seen._replace(awaited=state, since=now)
            if seen.has_stalled(now) or seen.is_slow(taken, now):
                connection.transport.abort()
                continue
            self._seen[connection] = seen.next(taken, now)


def waits_for_head(connection: Connection) -> bool:
    """Whether nothing, or a part of the head of a request, has arrived."""
    return (
        isinstance(connection, H11Protocol)
        and (connection.cycle is None or connection.cycle.response_complete)
        and connection.timeout_keep_alive_task is None  # else uvicorn bounds the wait itself
    )


def _awaited(connection: Connection) -> object:
    """Return what the client must send or take next: another value after any progress, or None."""
    unsent = connection.transport.get_write_buffer_size()
    if unsent:
        # Most of it is in the kernel, which takes more only when a third of its own buffer is free:
        # on a slow line that can take minutes.
        descriptor = connection.transport.get_extra_info("socket").fileno()
        in_kernel = struct.unpack("i", fcntl.ioctl(descriptor, termios.TIOCOUTQ, bytes(4)))[0]
        return unsent, in_kernel
    return (connection.cycle,) if waits_for_head(connection) else None


def _taken(connection: Connection) -> int | None:
    """Return the bytes that the client's kernel has acknowledged; None if nothing waits for it.

    Also None over a local socket, whose other end is a proxy.
    """
    if not connection.transport.get_write_buffer_size():
        return None
    connected = connection.transport.get_extra_info("socket")
    if connected.family not in {socket.AF_INET, socket.AF_INET6}:
        return None
    size = BYTES_ACKED + 8
    known = connected.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, size)
    acked: int = struct.unpack_from("Q", known, BYTES_ACKED)[0]
    return acked
