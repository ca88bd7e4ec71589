"""Django behind an ASGI server, as it runs behind a WSGI server: in a few permanent threads.

Django's own ASGI handler (as of 5.2) changes to a thread and back for nearly every middleware. It
gives each request a thread of its own, and with it a database connection, without a bound on their
number. And it loads the whole of a streamed answer before it sends the first byte. Here one of
`THREADS` threads, which keep their database connections, makes an answer in one call, and a stream
piece by piece, as fast as the client takes it. A request gets a thread once all of it has arrived.

`tests/unit/server/test_internals.py` shows if something that this uses of Django has gone.
"""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from http import HTTPStatus
from typing import Any, ParamSpec, TypeVar

from asgiref.sync import ThreadSensitiveContext, sync_to_async
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.base import BaseHandler
from django.db import close_old_connections
from django.http import HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase

from birdwatcher.common.addresses import client_of
from birdwatcher.common.limits import (
    BODY_BYTES,
    BODY_TIMEOUT,
    REQUESTS,
    REQUESTS_OF_EACH,
    THREAD_TIMEOUT,
    THREADS,
)
from birdwatcher.server.deadline import Deadline
from birdwatcher.server.threads import NoThreadError, Threads, Visit

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]

RETRY_AFTER = 10  # seconds, for a client whose request found no thread
P = ParamSpec("P")
T = TypeVar("T")
END: Any = object()


class Handler(ASGIHandler):
    """Makes each answer in one call in a thread."""

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
            response = await sync_to_async(_with_connection(self._answer))(request, deadline)
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
    """Yield each piece when the client can take it."""
    make = sync_to_async(_with_connection(lambda: next(pieces, END)))
    while (piece := await make()) is not END:
        if piece:
            yield piece


def _with_connection(call: Callable[P, T]) -> Callable[P, T]:
    """Return a function that closes its thread's database connection before and after `call`, if
    that has failed or is too old.

    Django does so when a request begins and ends, but perhaps in another thread.
    """

    def checked(*args: P.args, **kwargs: P.kwargs) -> T:
        close_old_connections()
        try:
            return call(*args, **kwargs)
        finally:
            close_old_connections()

    return checked


class BoundedApplication:
    """Hands whole requests to an application, which has `THREADS` threads.

    A client has at most `REQUESTS_OF_EACH` requests under way.
    """

    def __init__(self, application: Application, *, trust_proxy: bool = False) -> None:
        """`trust_proxy`: whether a proxy names the client of each request."""
        self._application, self._trust_proxy = application, trust_proxy
        self._threads = Threads(THREADS)
        self._under_way: Counter[str] = Counter()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request."""
        client = client_in(scope, trust_proxy=self._trust_proxy)
        if self._under_way[client] >= REQUESTS_OF_EACH:
            return await _refuse(scope, send, HTTPStatus.TOO_MANY_REQUESTS)
        if self._under_way.total() >= REQUESTS:
            return await _refuse(scope, send, HTTPStatus.SERVICE_UNAVAILABLE)
        self._under_way[client] += 1
        try:
            return await self._answer(client, scope, receive, send)
        finally:
            self._under_way[client] -= 1
            if not self._under_way[client]:
                del self._under_way[client]

    async def _answer(self, client: str, scope: Message, receive: Receive, send: Send) -> None:
        try:
            async with asyncio.timeout(BODY_TIMEOUT):
                body = await _read_body(receive)
        except TimeoutError:
            return await _refuse(scope, send, HTTPStatus.REQUEST_TIMEOUT)
        except _TooLargeError:
            return await _refuse(scope, send, HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        if body is None:
            return None
        visit = Visit(self._threads, client, THREAD_TIMEOUT)
        try:
            async with ThreadSensitiveContext(executor=visit):
                return await self._application(scope, _with_body(body, receive), send)
        except NoThreadError:
            return await _refuse(scope, send, HTTPStatus.SERVICE_UNAVAILABLE)
        finally:
            visit.close()


def client_in(scope: Message, *, trust_proxy: bool) -> str:
    """Return the address by which the client of a request is counted; "" over a local socket."""
    peer = (scope.get("client") or ("",))[0]
    forwarded = b",".join(value for name, value in scope["headers"] if name == b"x-forwarded-for")
    return client_of(peer, forwarded.decode("latin1"), trust_proxy=trust_proxy) or ""


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
    if status in {HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS}:
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
