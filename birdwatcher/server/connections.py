"""Connections that are not kept by a client who stalls.

Uvicorn waits without a bound for the head of a request, and for a client to take an answer. Here a
head has to arrive within `SOCKET_TIMEOUT`, and so does any progress in what is to be taken. (The
body of a request is bounded by `birdwatcher.server.handler`.)
"""

from __future__ import annotations

import asyncio
import fcntl
import struct
import termios

from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from birdwatcher.common.limits import SOCKET_TIMEOUT

ON_ITS_WAY = 1.0  # seconds in which the first request of an accepted connection should be here


class Drain:
    """Watches what waits to be taken by a client, and cuts him off if he takes nothing of it."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._timer: asyncio.TimerHandle | None = None

    def watch(self) -> None:
        """Watch until everything is taken, or `stop`; nothing must be added meanwhile."""
        self.stop()
        if self._transport.get_write_buffer_size():
            self._timer = self._loop.call_later(SOCKET_TIMEOUT, self._look, self._waiting())

    def stop(self) -> None:
        """Watch no longer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self, before: int) -> None:
        if self._waiting() < before:
            self.watch()
        else:
            self._transport.abort()

    def _waiting(self) -> int:
        """Return how many bytes the client has not taken.

        Most of them are the kernel's, which takes more from us only when a third of its own buffer
        is free again: on a slow line that can take minutes.
        """
        descriptor = self._transport.get_extra_info("socket").fileno()
        in_kernel = fcntl.ioctl(descriptor, termios.TIOCOUTQ, bytes(4))
        return self._transport.get_write_buffer_size() + struct.unpack("i", in_kernel)[0]


class _Drained:
    """A protocol whose client is watched while what he does not take holds it back."""

    transport: asyncio.Transport
    loop: asyncio.AbstractEventLoop
    _drain: Drain

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take over the connection."""
        super().connection_made(transport)  # type: ignore[misc]
        self._drain = Drain(self.transport, self.loop)

    def pause_writing(self) -> None:
        """See that the client takes what holds the answer back."""
        super().pause_writing()  # type: ignore[misc]
        self._drain.watch()

    def resume_writing(self) -> None:
        """Let the answer go on."""
        super().resume_writing()  # type: ignore[misc]
        self._drain.stop()

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go of everything."""
        self._drain.stop()
        super().connection_lost(exc)  # type: ignore[misc]


class HttpConnection(_Drained, H11Protocol):
    """A connection with pages and files."""

    _head: asyncio.TimerHandle | None = None
    _is_ending = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._wait_for_head()

    def data_received(self, data: bytes) -> None:
        """Take a part of a request, whose head must be complete in time."""
        self._wait_for_head()
        if not self.flow.write_paused:
            self._drain.stop()  # the answer to it will be added
        super().data_received(data)
        if self._answering or self.transport.get_protocol() is not self:
            self._stop_waiting()
            if self._is_ending:
                self.transport.get_protocol().shutdown()  # with the answer to this

    def shutdown(self) -> None:
        """End with the answer that is under way; also if nothing was asked yet.

        Then the request may be on its way: whoever has connected to a server that begins anew has
        not to be refused for it.
        """
        if self.cycle is None and not self._is_ending:
            self._is_ending = True
            self.loop.call_later(ON_ITS_WAY, self._give_up)
        else:
            super().shutdown()

    def _give_up(self) -> None:
        if self.cycle is None and not self.transport.is_closing():
            super().shutdown()

    def on_response_complete(self) -> None:
        """See that the answer is taken."""
        super().on_response_complete()
        self._drain.watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go of everything."""
        self._stop_waiting()
        super().connection_lost(exc)

    @property
    def _answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _wait_for_head(self) -> None:
        if self._head is None and not self._answering:
            self._head = self.loop.call_later(SOCKET_TIMEOUT, self.transport.abort)

    def _stop_waiting(self) -> None:
        if self._head is not None:
            self._head.cancel()
            self._head = None


class WebSocketConnection(_Drained, WebSocketsSansIOProtocol):
    """A WebSocket, which ends when its client takes nothing or the server stops."""

    def keepalive_timeout(self) -> None:
        """Cut off a client who does not answer."""
        super().keepalive_timeout()
        self.transport.abort()

    def shutdown(self) -> None:
        """Say that the server begins anew, and do not wait for a client who takes nothing."""
        super().shutdown()
        if self.transport.get_write_buffer_size():
            self.transport.abort()
