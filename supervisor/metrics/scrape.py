"""Serves the metrics over HTTP: `GET /metrics`, one request a connection, and nothing else.

Written by hand because it is short, and because the HTTP servers of libraries bring a thread or a
framework into a process that must never wait.
"""

import asyncio
import contextlib
import logging
import socket
from collections.abc import Awaitable, Callable
from http import HTTPStatus

from supervisor.metrics.exposition import CONTENT_TYPE

log = logging.getLogger("birdwatcher.supervisor")

PATH = "/metrics"
HEAD_BYTES = 8 * 1024
HEAD_SECONDS = 5.0
ANSWER_SECONDS = 20.0  # for the answer, even to a slow reader
MAX_CONNECTIONS = 8  # at a time; the next ones are answered with 503,
MAX_REFUSED = 8  # at a time; further ones are dropped
PLAIN = "text/plain; charset=utf-8"


class BadRequestError(Exception):
    """The request cannot be answered; the message says why."""


class ScrapeServer:
    """Answers each connection once, a few of them at a time."""

    def __init__(self, page: Callable[[], Awaitable[bytes]]) -> None:
        """`page()` makes the metrics; two calls never overlap."""
        self._page = page
        self._rendering = asyncio.Lock()
        # Our own tasks: until Python 3.12, asyncio logs an error when one of its own is cancelled.
        self._talks: set[asyncio.Task[None]] = set()

    async def serve(self, listener: socket.socket) -> None:
        """Serve on a listening socket until cancelled."""
        unix = listener.family is socket.AF_UNIX
        make = asyncio.start_unix_server if unix else asyncio.start_server
        try:
            async with await make(self._connected, sock=listener, limit=HEAD_BYTES) as server:
                await server.serve_forever()
        finally:
            for talk in self._talks:
                talk.cancel()

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._talks) >= MAX_CONNECTIONS + MAX_REFUSED:
            writer.transport.abort()
            return
        talk = asyncio.create_task(self._talk(reader, writer))
        self._talks.add(talk)
        talk.add_done_callback(self._talks.discard)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            # A peer that is gone, or takes too long, gets no answer.
            with contextlib.suppress(OSError, TimeoutError):
                async with asyncio.timeout(HEAD_SECONDS + ANSWER_SECONDS):
                    writer.write(await self._answer(reader))
                    writer.close()
                    await writer.wait_closed()
        finally:
            writer.transport.abort()

    async def _answer(self, reader: asyncio.StreamReader) -> bytes:
        is_refused = len(self._talks) > MAX_CONNECTIONS
        try:
            method, path = await _read_request(reader)
        except BadRequestError as error:
            return _response(HTTPStatus.BAD_REQUEST, str(error))
        if is_refused:  # not before its request is read: the kernel would drop the answer
            return _response(HTTPStatus.SERVICE_UNAVAILABLE, "too many connections")
        if path != PATH:
            return _response(HTTPStatus.NOT_FOUND, f"only {PATH} is here")
        if method != "GET":
            return _response(HTTPStatus.METHOD_NOT_ALLOWED, "only GET is answered", "Allow: GET")
        try:
            async with self._rendering:
                page = await self._page()
        except Exception:
            log.exception("the metrics cannot be collected")
            return _response(HTTPStatus.SERVICE_UNAVAILABLE, "the metrics cannot be collected")
        return _head(HTTPStatus.OK, CONTENT_TYPE, len(page)) + page


async def _read_request(reader: asyncio.StreamReader) -> tuple[str, str]:
    """Return method and path of the request. Raises BadRequestError."""
    try:
        async with asyncio.timeout(HEAD_SECONDS):
            head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.LimitOverrunError:
        raise BadRequestError(f"the request is longer than {HEAD_BYTES} bytes") from None
    except asyncio.IncompleteReadError:
        raise BadRequestError("the request is not complete") from None
    except TimeoutError:
        raise BadRequestError(f"the request took longer than {HEAD_SECONDS:g} s") from None
    match head.split(b"\r\n", 1)[0].decode("latin-1").split(" "):
        case [method, target, version] if version.startswith("HTTP/1."):
            return method, target.partition("?")[0]
    raise BadRequestError("this is not HTTP")


def _response(status: HTTPStatus, text: str, *headers: str) -> bytes:
    body = f"{status.value} {status.phrase}: {text}\n".encode()
    return _head(status, PLAIN, len(body), *headers) + body


def _head(status: HTTPStatus, content_type: str, length: int, *headers: str) -> bytes:
    lines = [
        f"HTTP/1.1 {status.value} {status.phrase}",
        f"Content-Type: {content_type}",
        f"Content-Length: {length}",
        "Connection: close",
        *headers,
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()
