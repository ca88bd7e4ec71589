"""One TCP connection to a node: opened, kept alive, read, and ended with a reason."""

import asyncio
import os
import socket
from collections.abc import Callable

from nodeproc.wire import NodeSpec

# A peer that vanished without a word is noticed after 10 + 3 * 5 = 25 seconds.
KEEPALIVE = (
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 10),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 5),
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3),
)


class ConnectionEndedError(Exception):
    """The node cannot be reached, or the connection to it is over; the message says why."""


class NodeConnection(asyncio.Protocol):
    """The reading side of a connection; a node expects nothing back."""

    def __init__(self, on_data: Callable[[bytes], None]) -> None:
        """`on_data(data)` is called with what each read yields."""
        self._on_data = on_data
        self._transport: asyncio.Transport | None = None
        self.is_paused = False
        self._ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Tune the socket."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 for the type checker
        self._transport = transport
        for option in KEEPALIVE:
            transport.get_extra_info("socket").setsockopt(*option)

    def data_received(self, data: bytes) -> None:
        """Hand on what one read yielded."""
        self._on_data(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """Remember why."""
        self._end(_why(exc) if exc else "closed by the node")

    def _end(self, reason: str) -> None:
        if not self._ended.done():
            self._ended.set_result(reason)

    def abort(self, reason: str) -> None:
        """Close at once, with nothing more read."""
        self._end(reason)
        if self._transport:
            self._transport.abort()

    def pause(self) -> None:
        """Stop reading: TCP lets the node know in its own time. Repeating it does no harm."""
        if self._transport and not self._transport.is_closing():
            self._transport.pause_reading()
            self.is_paused = True

    def resume(self) -> None:
        """Read again. Repeating it does no harm."""
        if self._transport and not self._transport.is_closing():
            self._transport.resume_reading()
            self.is_paused = False

    async def ended(self) -> str:
        """Wait until the connection is over and return the reason."""
        return await self._ended


async def connect(
    spec: NodeSpec, seconds: float, on_data: Callable[[bytes], None]
) -> NodeConnection:
    """Open a connection to the node within so many seconds. Raises ConnectionEndedError."""
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(seconds):
            _, protocol = await loop.create_connection(
                lambda: NodeConnection(on_data), spec.ip_address, spec.port
            )
    except TimeoutError:
        raise ConnectionEndedError(f"no answer within {seconds:g} s") from None
    except OSError as error:
        raise ConnectionEndedError(_why(error)) from None
    return protocol


def _why(error: Exception) -> str:
    """The system's words for an error: "connection refused"."""
    if isinstance(error, OSError) and error.errno:
        text = os.strerror(error.errno)
        return text[:1].lower() + text[1:]
    return str(error) or type(error).__name__
