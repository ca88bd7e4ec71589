"""A WebSocket on which somebody follows the birds: what those of pages and of programs share.

Nothing is expected from the other side. `End` has the codes with which it is closed.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine
from typing import Any, NamedTuple, TypeVar

import django.db
from channels.generic.websocket import AsyncWebsocketConsumer  # type: ignore[import-untyped]

from birdwatcher.feed import messages
from birdwatcher.feed.followers import WAITING, Client, Gap
from birdwatcher.feed.reader import AWAY, RETRY
from birdwatcher.feed.thread import DatabaseThread
from birdwatcher.live.access import Refusal, Visitor
from birdwatcher.live.hub import Hub
from birdwatcher.live.quota import FullError, Kind, TooManyError

CHECKED_AGAIN = 60.0  # seconds after which it is looked again whether somebody still may follow
CLOSING = 60.0  # seconds in which a client must take the end of the connection

T = TypeVar("T")

log = logging.getLogger("birdwatcher.web")


class End(NamedTuple):
    """Why a WebSocket is closed: a code, and a sentence of at most 123 bytes."""

    code: int
    reason: str


NONSENSE = 4400
TOO_SLOW = End(4408, "Too little was taken; come again with the last id.")
FAILED = End(1011, "Something went wrong in the server.")
TOO_MANY = End(4429, "Too many are open already; close some, or try again later.")
TOO_OFTEN = End(4429, "There were too many requests; try again in a minute.")
FULL = End(1013, "Too many follow already; try again later.")
# As plain numbers: Daphne sends no others, and without a word about it.
REFUSED = {
    Refusal.NOT_LOGGED_IN: End(
        Refusal.NOT_LOGGED_IN.value, "Nobody is logged in: a valid token or session is needed."
    ),
    Refusal.NOT_ALLOWED: End(Refusal.NOT_ALLOWED.value, "This user may not see birds."),
}


class NonsenseError(Exception):
    """The address asks for something that is none; the message is a short sentence."""


class FollowingConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]
    """One open connection."""

    kind: Kind

    def __init__(
        self, hub: Hub, checked_again: float = CHECKED_AGAIN, waiting: int = WAITING
    ) -> None:
        """`hub`: of this process. `checked_again`: seconds between two looks at the permission.

        `waiting`: how many messages may wait to be taken.
        """
        super().__init__()
        self.waiting = waiting
        self.hub = hub
        self._checked_again = checked_again
        self._serving: asyncio.Task[None] | None = None

    def read_address(self) -> None:
        """Keep what the address asks for. Raises NonsenseError."""
        raise NotImplementedError

    def visitor(self) -> Visitor:
        """Return who is there. In a thread; raises django.db.Error."""
        raise NotImplementedError

    def may_come(self, visitor: Visitor) -> bool:
        """Whether they do not come too often. In a thread; raises django.db.Error."""
        raise NotImplementedError

    async def come(self) -> Client:
        """Return who is there, after telling all that comes before they are told the news.

        Raises NonsenseError, OSError.
        """
        raise NotImplementedError

    async def fill(self, gap: Gap) -> None:
        """Tell what they missed. Raises OSError."""
        raise NotImplementedError

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer the connection to its end, whatever ends it."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            if self._serving:
                self._serving.cancel()

    async def connect(self) -> None:
        """Take the connection, and judge it afterwards: before, a client would be told no code."""
        await self.accept()
        # Not here: that the other side has gone is only heard once this has returned.
        self._serving = asyncio.create_task(self._serve())

    async def _serve(self) -> None:
        # The other side has gone, or does not take the end; then the server's pings find out.
        with contextlib.suppress(OSError, TimeoutError):
            try:
                end = await self._follow()
            except OSError:
                raise
            except Exception:
                log.exception("telling of birds failed")
                end = FAILED
            await asyncio.wait_for(self.close(end.code, end.reason), CLOSING)

    async def _follow(self) -> End:
        """Tell of birds until there is a reason not to, and return it. Raises OSError."""
        try:
            self.read_address()
            visitor, may_come = await self.insist(self._judge)
            if not may_come:
                return TOO_OFTEN
            if visitor.refusal:
                return REFUSED[visitor.refusal]
            with self.hub.place(visitor.who, self.kind):
                return await _first(self._tell(), self._loss())
        except NonsenseError as error:
            return End(NONSENSE, _bounded(str(error)))
        except TooManyError:
            return TOO_MANY
        except FullError:
            return FULL

    def _judge(self) -> tuple[Visitor, bool]:
        visitor = self.visitor()
        return visitor, self.may_come(visitor)

    async def _tell(self) -> End:
        """Tell what waits for whoever is there, until that is too much."""
        client = await self.come()
        self.hub.add(client)
        try:
            return await _first(self._tell_news(client), _slowness(client))
        finally:
            self.hub.remove(client)

    async def _tell_news(self, client: Client) -> End:
        """Does not return."""
        while True:
            item = await client.next()
            if isinstance(item, Gap):
                await self.fill(item)
            else:
                await self.send(item)

    async def _loss(self) -> End:
        """Return why whoever is there may not follow any more, once that is so."""
        while True:
            await asyncio.sleep(self._checked_again)
            if refusal := (await self.insist(self.visitor)).refusal:
                return REFUSED[refusal]

    async def insist(self, call: Callable[[], T], thread: DatabaseThread | None = None) -> T:
        """Return what `call()` answers; until the database is there, tell that it is not."""
        while True:
            try:
                return await (thread or self.hub.questions).ask(call)
            except (django.db.OperationalError, django.db.InterfaceError):
                await self.send(messages.trouble(AWAY))
                await asyncio.sleep(RETRY)


def _bounded(reason: str) -> str:
    """Return as much of a reason as a close frame has room for (RFC 6455, 5.5)."""
    return reason.encode()[:123].decode(errors="ignore")


async def _slowness(client: Client) -> End:
    await client.too_slow.wait()
    return TOO_SLOW


async def _first(*coroutines: Coroutine[Any, Any, End]) -> End:
    """Return or raise what the first of them does, and end the others."""
    tasks = [asyncio.create_task(it) for it in coroutines]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        return done.pop().result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
