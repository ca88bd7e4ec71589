"""A worker of the web UI: uvicorn under gunicorn's master."""

import asyncio
import logging
import os
import signal
import socket
from typing import Any

from uvicorn import Server
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn_worker import UvicornWorker

from birdwatcher.common.limits import BACKLOG, CONNECTIONS, GRACEFUL_TIMEOUT
from birdwatcher.server.connections import HttpConnection, WebSocketConnection
from birdwatcher.server.stalled import Stalled, waits_for_head
from supervisor.resources import fold_exhaustion

LONGEST_MESSAGE = 64 * 1024  # that a browser may send, in bytes; it has little to say
PING_SECONDS = 20  # between two, and for the answer to each
ENDING = {signal.SIGTERM, signal.SIGINT}  # ask a worker to end; blocked while it is forked
ON_ITS_WAY = 1.0  # seconds in which the first request of a new connection should arrive


class Worker(UvicornWorker):
    """Answers requests in an event loop, and ends with the master."""

    CONFIG_KWARGS: dict[str, Any] = {
        "loop": "asyncio",
        "http": HttpConnection,
        "ws": WebSocketConnection,
        "ws_max_size": LONGEST_MESSAGE,
        "ws_ping_interval": PING_SECONDS,
        "ws_ping_timeout": PING_SECONDS,
        "ws_per_message_deflate": False,
        "lifespan": "off",
        "access_log": False,
        "server_header": False,
        # Django decides which proxies to trust.
        "proxy_headers": False,
        "limit_concurrency": CONNECTIONS,
        "backlog": BACKLOG,
        "timeout_graceful_shutdown": GRACEFUL_TIMEOUT,
        "timeout_notify": 1,
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._server = _Server(self.config)
        self._stalled = Stalled()
        # Uvicorn's INFO describes its own workings; warnings and errors pass through root.
        messages = logging.getLogger("uvicorn.error")
        messages.handlers = []
        messages.propagate = True
        messages.setLevel(logging.WARNING)

    def init_signals(self) -> None:
        """Prepare for signals; while it serves, uvicorn handles SIGTERM and SIGINT."""
        super().init_signals()
        # Uvicorn raises the signal again when it has served. By default that would end the process
        # before it has logged its last words.
        for number in ENDING:
            signal.signal(number, self._server.handle_exit)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)

    async def _serve(self) -> None:
        self.config.app = self.wsgi
        handler = fold_exhaustion(logging.getLogger("birdwatcher.web"), "the web UI")
        asyncio.get_running_loop().set_exception_handler(handler)
        asyncio.get_running_loop().add_signal_handler(signal.SIGQUIT, self._quit)
        await self._server.serve(sockets=self.sockets)

    def _quit(self) -> None:
        """End without waiting for requests under way."""
        self._server.should_exit = self._server.force_exit = True

    async def callback_notify(self) -> None:
        """Once a second: notify the master, end if it has gone, and cut off stalled clients."""
        self.notify()
        self._stalled.abort(list(self._server.server_state.connections))
        if os.getppid() != self.ppid:
            logging.getLogger("birdwatcher.web").error("the master is gone; ending")
            self._server.should_exit = True


class _Server(Server):
    """Uvicorn with another end."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End with the answers that are under way.

        The first request of a new connection may be on its way: uvicorn would refuse it, although
        the client has connected to a server that only restarts. And uvicorn would wait for
        WebSockets whose clients take nothing, not even the close frame.
        """
        for server in self.servers:
            server.close()
        connections = self.server_state.connections
        if any(waits_for_head(it) for it in connections) and not self.force_exit:
            await asyncio.sleep(ON_ITS_WAY)
        for it in list(connections):
            if isinstance(it, WebSocketsSansIOProtocol) and it.transport.get_write_buffer_size():
                it.transport.abort()
        await super().shutdown(sockets)
