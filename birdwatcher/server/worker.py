"""A worker of the web UI: uvicorn under gunicorn's master."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from typing import Any

from uvicorn import Server
from uvicorn_worker import UvicornWorker

from birdwatcher.common.limits import BACKLOG, CONNECTIONS, GRACEFUL_TIMEOUT
from birdwatcher.server.connections import HttpConnection, WebSocketConnection

LONGEST_MESSAGE = 64 * 1024  # that a browser may send, in bytes; it has little to say
PING_SECONDS = 20  # between two, and for the answer to each
ENDING = {signal.SIGTERM, signal.SIGINT}  # what asks a worker to end; blocked when it is forked


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
        # Who is a trusted proxy, Django decides.
        "proxy_headers": False,
        "limit_concurrency": CONNECTIONS,
        "backlog": BACKLOG,
        "timeout_graceful_shutdown": GRACEFUL_TIMEOUT,
        "timeout_notify": 1,
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._server = Server(self.config)
        # Its INFO tells of its inner life; what an operator wants to know passes through root.
        messages = logging.getLogger("uvicorn.error")
        messages.handlers = []
        messages.propagate = True
        messages.setLevel(logging.WARNING)

    def init_signals(self) -> None:
        """Prepare for signals; while it serves, uvicorn handles SIGTERM and SIGINT."""
        super().init_signals()
        # Afterwards it raises them once more, and by default that would end the process before it
        # has logged its last words.
        for number in ENDING:
            signal.signal(number, self._end)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)

    async def _serve(self) -> None:
        self.config.app = self.wsgi
        asyncio.get_running_loop().add_signal_handler(signal.SIGQUIT, self._quit)
        await self._server.serve(sockets=self.sockets)

    def _end(self, *_: object) -> None:
        """End in good order, also if it has not begun to serve."""
        self._server.should_exit = True

    def _quit(self) -> None:
        """End without waiting for requests under way."""
        self._server.should_exit = self._server.force_exit = True

    async def callback_notify(self) -> None:
        """Show the master a sign of life, once a second, and end if it is gone."""
        self.notify()
        if os.getppid() != self.ppid:
            logging.getLogger("birdwatcher.web").error("the master is gone; ending")
            self._server.should_exit = True
