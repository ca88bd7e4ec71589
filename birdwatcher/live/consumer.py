"""The WebSocket of a follower: what those of pages and of programs share.

The client sends nothing. `End` has the codes with which the server closes it.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine
from typing import Any, NamedTuple, TypeVar

import django.db
from channels.generic.websocket import AsyncWebsocketConsumer  # type: ignore[import-untyped]

from birdwatcher.common.database.troubles import trouble_of
from birdwatcher.feed.database_thread import DatabaseThread
from birdwatcher.feed.follower import QUEUE, Follower, Gap
from birdwatcher.feed.messages import Trouble
from birdwatcher.feed.reader import AWAY, RETRY
from birdwatcher.live.hub import Hub
from birdwatcher.live.query_string import QueryError
from birdwatcher.live.quota import FullError, Kind, TooManyError
from birdwatcher.live.visitors import Refusal, Visitor

RECHECK = 60.0  # seconds after which the permission is checked again
CLOSING = 60.0  # seconds in which a client must take the close frame

T = TypeVar("T")

log = logging.getLogger("birdwatcher.web")


class End(NamedTuple):
    """Why a WebSocket is closed: a code, and a sentence of at most 123 bytes for the client."""

    code: int
    reason: str


BAD_QUERY = 4400
TOO_SLOW = End(4408, "Too little was taken; come again with the last id.")
FAILED = End(1011, "Something went wrong in the server.")
TOO_MANY = End(4429, "Too many are open already; close some, or try again later.")
TOO_OFTEN = End(4429, "There were too many requests; try again in a minute.")
FULL = End(1013, "Too many follow already; try again later.")
# As plain numbers: Daphne silently drops enums.
REFUSED = {
    Refusal.NOT_LOGGED_IN: End(
        Refusal.NOT_LOGGED_IN.value, "Nobody is logged in: a valid token or session is needed."
    ),
    Refusal.NOT_ALLOWED: End(Refusal.NOT_ALLOWED.value, "This user may not see birds."),
}


class FollowingConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]
    """One open connection."""

    kind: Kind

    def __init__(self, hub: Hub, recheck: float = RECHECK, queue: int = QUEUE) -> None:
        """`hub`: of this process. `recheck`: seconds between two checks of the permission.

        `queue`: the number of messages that may wait for the client.
        """
        super().__init__()
        self.queue = queue
        self.hub = hub
        self._recheck = recheck
        self._serving: asyncio.Task[None] | None = None

    def parse_query(self) -> None:
        """Keep what the query string asks for. Raises QueryError."""
        raise NotImplementedError

    def visitor(self) -> Visitor:
        """Return the visitor who has connected. In a thread; raises django.db.Error."""
        raise NotImplementedError

    async def begin(self) -> Follower:
        """Return the follower, after sending everything that comes before the news.

        Raises QueryError, OSError.
        """
        raise NotImplementedError

    async def fill(self, gap: Gap) -> None:
        """Send what the follower missed. Raises OSError."""
        raise NotImplementedError

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve the connection until it ends, for whatever reason."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            if self._serving:
                self._serving.cancel()

    async def connect(self) -> None:
        """Accept the connection, and check it afterwards: before, a client would get no code."""
        await self.accept()
        # Not here: only after this returns is a disconnect noticed.
        self._serving = asyncio.create_task(self._serve())

    async def _serve(self) -> None:
        # The client has gone; or it does not take the close frame, and the server's pings notice.
        with contextlib.suppress(OSError, TimeoutError):
            try:
                end = await self._follow()
            except OSError:
                raise
            except Exception:
                log.exception("sending birds failed")
                end = FAILED
            await asyncio.wait_for(self.close(end.code, end.reason), CLOSING)

    async def _follow(self) -> End:
        """Send birds until there is a reason to stop, and return it. Raises OSError."""
        try:
            self.parse_query()
            visitor, within_rate = await self.insist(self._check)
            if not within_rate:
                return TOO_OFTEN
            if visitor.refusal:
                return REFUSED[visitor.refusal]
            with self.hub.connection(visitor.who, self.kind):
                return await _first(self._send_all(), self._refused())
        except QueryError as error:
            return End(BAD_QUERY, _bounded(str(error)))
        except TooManyError:
            return TOO_MANY
        except FullError:
            return FULL

    def _check(self) -> tuple[Visitor, bool]:
        """Return the visitor, and whether they may open a connection now."""
        visitor = self.visitor()
        # To follow as a program counts as one request to the API; only those have a rate.
        return visitor, self.kind is Kind.PAGE or visitor.take_turn()

    async def _send_all(self) -> End:
        """Send what is queued for the follower, until it is too slow."""
        follower = await self.begin()
        self.hub.add(follower)
        try:
            return await _first(self._send_news(follower), _too_slow(follower))
        finally:
            self.hub.remove(follower)

    async def _send_news(self, follower: Follower) -> End:
        """Send without end."""
        while True:
            item = await follower.next()
            if isinstance(item, Gap):
                await self.fill(item)
            else:
                await self.send(item)

    async def _refused(self) -> End:
        """Wait until the permission is lost, and return why."""
        while True:
            await asyncio.sleep(self._recheck)
            if refusal := (await self.insist(self.visitor)).refusal:
                return REFUSED[refusal]

    async def insist(self, call: Callable[[], T], thread: DatabaseThread | None = None) -> T:
        """Return what `call()` returns; until the database is there, send that it is away."""
        while True:
            try:
                return await (thread or self.hub.queries).ask(call)
            except (django.db.DatabaseError, django.db.InterfaceError) as error:
                # Also one that is not migrated: it soon will be.
                if trouble_of(error) is None:
                    raise
                await self.send(Trouble(AWAY).encode())
                await asyncio.sleep(RETRY)


def _bounded(reason: str) -> str:
    """Cut a reason to what a close frame can hold (RFC 6455, 5.5)."""
    return reason.encode()[:123].decode(errors="ignore")


async def _too_slow(follower: Follower) -> End:
    await follower.too_slow.wait()
    return TOO_SLOW


async def _first(*coroutines: Coroutine[Any, Any, End]) -> End:
    """Return or raise what the first of them does, and cancel the others."""
    tasks = [asyncio.create_task(it) for it in coroutines]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        return done.pop().result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
