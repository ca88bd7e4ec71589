"""Connections, at most `CONNECTIONS_OF_EACH` of one address in each worker.

Behind a trusted proxy all connections are the proxy's, which reads whole requests before it passes
them on; there, `birdwatcher.server.handler` counts the requests of each client.
"""

import asyncio
import logging

from django.conf import settings
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from birdwatcher.common.addresses import counted
from birdwatcher.common.limits import CONNECTIONS_OF_EACH
from nodeproc.logs.fold import Fold

log = Fold(logging.getLogger("birdwatcher.web"))


class HttpConnection(H11Protocol):
    """A connection with requests, which is aborted at once if its address has too many."""

    address: str | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin, or abort."""
        super().connection_made(transport)
        if self.client is None or settings.BIRDWATCHER.trust_proxy:
            return
        self.address = counted(self.client[0])
        same = sum(getattr(it, "address", None) == self.address for it in self.connections)
        if same > CONNECTIONS_OF_EACH:
            note = f"{self.address} has {CONNECTIONS_OF_EACH} connections; more are refused"
            log(logging.WARNING, "connections", note)
            transport.abort()


class WebSocketConnection(WebSocketsSansIOProtocol):
    """A connection that has become a WebSocket, and still counts for its address."""

    address: str | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        super().connection_made(transport)
        self.address = counted(self.client[0]) if self.client else None
