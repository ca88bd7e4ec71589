"""Cuts off clients that stall: uvicorn waits for them without a bound.

A client must send the head of a request within `SOCKET_TIMEOUT`, and take something of an answer
within the same time. (`birdwatcher.server.handler` bounds the body of a request.) A client on a
slow line takes little, but something, and is served.

Uvicorn (as of 0.54) has no settings for this, and the kernel's TCP_USER_TIMEOUT will not do: Linux
(as of 6.18) also ends a connection whose client reads, as long as the next segment is larger than
the window. So each look compares what a connection waits for with the look before. It reads
attributes of uvicorn's protocols; `tests/unit/server/test_internals.py` shows if one has gone.
"""

import fcntl
import struct
import termios
import time
from collections.abc import Callable, Iterable
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

from birdwatcher.common.limits import SOCKET_TIMEOUT

Connection = Any  # one of uvicorn's protocols


class Stalled:
    """Remembers since when each connection waits for the same."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen: dict[Connection, tuple[object, float]] = {}

    def abort(self, connections: Iterable[Connection]) -> None:
        """Abort those of all `connections` that have stalled; to be called about once a second."""
        before, self._seen = self._seen, {}
        now = self._clock()
        for connection in connections:
            awaited = _awaited(connection)
            if awaited is None:
                continue
            seen, since = before.get(connection, (None, now))
            if seen == awaited and now - since >= SOCKET_TIMEOUT:
                connection.transport.abort()
                continue
            self._seen[connection] = awaited, since if seen == awaited else now


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
