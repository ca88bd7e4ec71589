"""One TCP connection to a node: opened, kept alive, read, and ended with a reason."""

import asyncio
import os
import socket
from collections.abc import Callable

from nodeproc.wire.messages import NodeSpec

# A peer that vanishes silently is noticed after 10 + 3 * 5 = 25 seconds.
KEEPALIVE = (
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 10),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 5),
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3),
)

# Bytes; what one read returns becomes one batch, which no transaction can take in parts.
READ_SIZE = 64 * 1024
SMALLEST_READ = 1024
TYPICAL = 128  # bytes of a packet


def portion_at(rate: int) -> int:
    """Return how many bytes to read at once from a node that may send `rate` events a second: about
    a second's worth, so that a low limit does not let bursts through that take minutes."""
    return min(max(rate * TYPICAL, SMALLEST_READ), READ_SIZE)


class ConnectionEndedError(Exception):
    """The node cannot be reached, or the connection to it is over; the message says why."""


class NodeConnection:
    """The reading side of a connection; a node expects nothing back.

    It uses the loop's `add_reader`, as the pipe does, and not asyncio's transports: every function
    that a node process calls makes it a copy of shared pages.
    """

    def __init__(self, connected: socket.socket, on_data: Callable[[bytes], None]) -> None:
        """Read from a socket that is connected and does not block, and close it in the end.

        `on_data(data)` is called with what each read returns.
        """
        self._loop = asyncio.get_running_loop()
        self._socket = connected
        self._on_data = on_data
        self._ended: asyncio.Future[str] = self._loop.create_future()
        self.is_open = True
        self.is_paused = False
        self.portion = READ_SIZE  # bytes that one read returns at most
        for option in KEEPALIVE:
            connected.setsockopt(*option)
        self._loop.add_reader(connected, self._read)

    def _read(self) -> None:
        try:
            data = self._socket.recv(self.portion)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self.abort(_why(error))
            return
        if data:
            self._on_data(data)
        else:
            self.abort("closed by the node")

    def abort(self, reason: str) -> None:
        """Close at once, with nothing more read. The first reason given counts."""
        if not self._ended.done():
            self._ended.set_result(reason)
        if self.is_open:
            self.pause()
            self.is_open = False
            self._socket.close()

    def pause(self) -> None:
        """Stop reading: TCP's flow control holds the node back. Repeating it does no harm."""
        if self.is_open and not self.is_paused:
            self._loop.remove_reader(self._socket)
            self.is_paused = True

    def resume(self) -> None:
        """Read again. Repeating it does no harm."""
        if self.is_open and self.is_paused:
            self._loop.add_reader(self._socket, self._read)
            self.is_paused = False

    async def ended(self) -> str:
        """Wait until the connection is over and return the reason."""
        return await self._ended


async def connect(
    spec: NodeSpec, seconds: float, on_data: Callable[[bytes], None]
) -> NodeConnection:
    """Open a connection to the node within `seconds`. Raises ConnectionEndedError."""
    try:
        async with asyncio.timeout(seconds):
            return NodeConnection(await _open(spec), on_data)
    except TimeoutError:
        raise ConnectionEndedError(f"no answer within {seconds:g} s") from None
    except OSError as error:
        raise ConnectionEndedError(_why(error)) from None


async def _open(spec: NodeSpec) -> socket.socket:
    family = socket.AF_INET6 if ":" in spec.ip_address else socket.AF_INET
    opening = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    try:
        loop = asyncio.get_running_loop()
        await loop.sock_connect(opening, (spec.ip_address, spec.port))
    except BaseException:
        opening.close()
        raise
    return opening


def _why(error: Exception) -> str:
    """Return the system's words for an error: "connection refused"."""
    if isinstance(error, OSError) and error.errno:
        text = os.strerror(error.errno)
        return text[:1].lower() + text[1:]
    return str(error) or type(error).__name__
