"""Django behind an ASGI server, as it runs behind a WSGI server: in a few permanent threads.

Django's own ASGI handler (as of 5.2) changes to a thread and back for nearly every middleware. It
gives each request a thread of its own, and with it a database connection, without a bound on their
number. And it loads the whole of a streamed answer before it sends the first byte. Here one of
`THREADS` threads, which keep their database connections, answers a request in one visit, and a
stream is made as fast as the client takes it. A request gets a thread once all of it has arrived.

`tests/unit/server/test_internals.py` shows if something that this uses of Django has gone.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import Any

from asgiref.sync import ThreadSensitiveContext, sync_to_async
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.base import BaseHandler
from django.http import HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase

from birdwatcher.common.limits import BODY_BYTES, BODY_TIMEOUT, THREAD_TIMEOUT, THREADS
from birdwatcher.server.deadline import Deadline

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]

RETRY_AFTER = 10  # seconds, for a client whose request found no thread
END: Any = object()


class Handler(ASGIHandler):
    """Answers each request in one visit to a thread."""

    def __init__(self, seconds: float) -> None:
        """`seconds`: for a request that only reads, until its answer begins."""
        # Not ASGIHandler's own, which loads the middleware to be awaited.
        BaseHandler.__init__(self)
        self._seconds = seconds
        self.load_middleware(is_async=False)

    async def get_response_async(self, request: HttpRequest) -> HttpResponseBase:
        """Return the answer, a stream not yet begun."""
        deadline = Deadline(request.method, self._seconds)
        try:
            response = await sync_to_async(self._answer)(request, deadline)
        except asyncio.CancelledError:  # the client has left
            deadline.abandon()
            raise
        deadline.finish()
        if isinstance(response, StreamingHttpResponse) and not response.is_async:
            response.streaming_content = _piece_by_piece(iter(response.streaming_content))
        return response

    def _answer(self, request: HttpRequest, deadline: Deadline) -> HttpResponseBase:
        """Return the answer. In the thread of the request."""
        with deadline.kept():
            return self.get_response(request)


async def _piece_by_piece(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Yield each piece when the client can take it, made in the thread of the request."""
    make = sync_to_async(lambda: next(pieces, END))
    while (piece := await make()) is not END:
        if piece:
            yield piece


class BoundedApplication:
    """Hands whole requests to an application, at most `THREADS` at a time."""

    def __init__(self, application: Application) -> None:
        self._application = application
        # The last used thread is the first to be used again: its database connection is the least
        # likely to have been closed meanwhile.
        self._threads: asyncio.LifoQueue[ThreadPoolExecutor] = asyncio.LifoQueue()
        for _ in range(THREADS):
            self._threads.put_nowait(ThreadPoolExecutor(1, thread_name_prefix="request"))

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request."""
        try:
            async with asyncio.timeout(BODY_TIMEOUT):
                body = await _read_body(receive)
        except TimeoutError:
            return await _refuse(scope, send, HTTPStatus.REQUEST_TIMEOUT)
        except _TooLargeError:
            return await _refuse(scope, send, HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        if body is None:
            return None
        try:
            async with asyncio.timeout(THREAD_TIMEOUT):
                thread = await self._threads.get()
        except TimeoutError:
            return await _refuse(scope, send, HTTPStatus.SERVICE_UNAVAILABLE)
        try:
            async with ThreadSensitiveContext(executor=thread):
                await self._application(scope, _with_body(body, receive), send)
        finally:
            self._threads.put_nowait(thread)
        return None


class _TooLargeError(Exception):
    """The body has more than `BODY_BYTES` bytes."""


async def _read_body(receive: Receive) -> bytes | None:
    """Return the body, or None if the client has gone. Raises _TooLargeError."""
    body, more = bytearray(), True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message.get("body", b"")
        if len(body) > BODY_BYTES:
            raise _TooLargeError
        more = message.get("more_body", False)
    return bytes(body)


def _with_body(body: bytes, receive: Receive) -> Receive:
    """Return a function that first gives the whole body, then what `receive` gives."""
    whole = iter([{"type": "http.request", "body": body, "more_body": False}])

    async def receive_whole() -> Message:
        return next(whole, None) or await receive()

    return receive_whole


async def _refuse(scope: Message, send: Send, status: HTTPStatus) -> None:
    """Answer without Django, and close the connection: the rest of the body is not read."""
    headers = [(b"connection", b"close")]
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers.append((b"retry-after", str(RETRY_AFTER).encode()))
    if scope["path"].removeprefix(scope.get("root_path", "")).startswith("/api/"):
        text, kind = json.dumps({"detail": f"{status.phrase}."}), b"application/json"
        await answer_plainly(send, status, text, headers, kind)
    else:
        await answer_plainly(send, status, f"{status.value} {status.phrase}\n", headers)


async def answer_plainly(
    send: Send,
    status: HTTPStatus,
    text: str,
    headers: Iterable[tuple[bytes, bytes]] = (),
    kind: bytes = b"text/plain; charset=utf-8",
) -> None:
    """Answer without Django: `text`, of the media type `kind`."""
    body = text.encode()
    known = [(b"content-type", kind), (b"content-length", str(len(body)).encode())]
    start = {"type": "http.response.start", "status": status.value, "headers": [*known, *headers]}
    await send(start)
    await send({"type": "http.response.body", "body": body})
