"""The WebSocket on which a page follows the birds.

    /live/birds?since=<id>&node=<id>&species=<id>

All three may be left out. `messages` says what is told; nothing is expected from the other side. It
is closed with 4400 if the address is nonsense, 4401 if nobody is logged in, 4403 if whoever is may
not see birds, 4408 if too little is taken, and 1013 if there are too many. A page that comes again
with the highest key that it was told misses nothing, and is told nothing twice.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, TypeVar
from urllib.parse import parse_qs

import django.db
from channels.generic.websocket import AsyncWebsocketConsumer  # type: ignore[import-untyped]

from birdwatcher.live import access, messages, table
from birdwatcher.live.client import WAITING, Client, Gap
from birdwatcher.live.hub import FullError, Hub
from birdwatcher.live.reader import AWAY, RETRY
from birdwatcher.live.table import AT_ONCE, Wanted

NONSENSE, TOO_SLOW, FULL = 4400, 4408, 1013
HIGHEST = 2**63 - 1
NUMBERS = ("node", "species", "since")
CHECKED_AGAIN = 60.0  # seconds after which it is looked again whether the user may still follow
CLOSING = 60.0  # seconds in which a client must take the end of the connection

T = TypeVar("T")


class BirdsConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]
    """One open connection."""

    def __init__(
        self, hub: Hub, checked_again: float = CHECKED_AGAIN, waiting: int = WAITING
    ) -> None:
        """`hub`: of this process. `checked_again`: seconds between two looks at the permission.

        `waiting`: how many messages may wait to be taken.
        """
        super().__init__()
        self._waiting = waiting
        self._hub = hub
        self._checked_again = checked_again
        self._serving: asyncio.Task[None] | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer the connection to its end, whatever ends it."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            if self._serving:
                self._serving.cancel()

    async def connect(self) -> None:
        """Take the connection, and judge it afterwards: before, a page would be told no code."""
        await self.accept()
        # Not here: that the other side has gone is only heard once this has returned.
        self._serving = asyncio.create_task(self._serve())

    async def _serve(self) -> None:
        # The other side has gone, or does not take the end; then the server's pings find out.
        with contextlib.suppress(OSError, TimeoutError):
            code = await self._follow()
            await asyncio.wait_for(self.close(code), CLOSING)

    async def _follow(self) -> int:
        """Tell of birds until there is a reason not to; return its code. Raises OSError."""
        try:
            wanted, since = _asked(self.scope["query_string"])
        except ValueError:
            return NONSENSE
        allowed = partial(access.refusal, access.session_key(self.scope))
        if refusal := await self._insist(allowed):
            return refusal
        client = Client(wanted, since, self._waiting)
        try:
            self._hub.add(client)
        except FullError:
            return FULL
        try:
            return await _first(self._tell(client), _slowness(client), self._loss_of(allowed))
        finally:
            self._hub.remove(client)

    async def _tell(self, client: Client) -> int:
        """Tell what waits for `client`; does not return."""
        while True:
            item = await client.next()
            if isinstance(item, Gap):
                await self._fill(client, item)
            else:
                await self.send(item)

    async def _fill(self, client: Client, gap: Gap) -> None:
        """Tell the birds that were missed."""
        resumed = await self._insist(partial(table.resume, client.wanted, gap.since, gap.until))
        if resumed.left_out or resumed.at_least:
            await self.send(messages.missed(resumed.left_out, at_least=resumed.at_least))
        for at in range(0, len(resumed.birds), AT_ONCE):
            await self.send(messages.birds(resumed.birds[at : at + AT_ONCE]))

    async def _loss_of(self, allowed: Callable[[], access.Refusal | None]) -> int:
        """Return why the user may not follow any more, once that is so."""
        while True:
            await asyncio.sleep(self._checked_again)
            if refusal := await self._insist(allowed):
                return refusal

    async def _insist(self, call: Callable[[], T]) -> T:
        """Return what `call()` answers; until the database is there, tell that it is not."""
        while True:
            try:
                return await self._hub.questions.ask(call)
            except django.db.Error:
                await self.send(messages.trouble(AWAY))
                await asyncio.sleep(RETRY)


def _asked(query: bytes) -> tuple[Wanted, int | None]:
    """Return what an address asks for. Raises ValueError."""
    parameters = parse_qs(query.decode("ascii"), keep_blank_values=True, max_num_fields=10)
    given = {name: _key(parameters[name][-1]) for name in NUMBERS if name in parameters}
    return Wanted(given.get("node"), given.get("species")), given.get("since")


def _key(text: str) -> int:
    """Return a number that may be a key. Raises ValueError."""
    if not (text.isascii() and text.isdigit() and len(text) < 20 and int(text) <= HIGHEST):
        raise ValueError(text)
    return int(text)


async def _slowness(client: Client) -> int:
    await client.too_slow.wait()
    return TOO_SLOW


async def _first(*coroutines: Coroutine[Any, Any, int]) -> int:
    """Return or raise what the first of them does, and end the others."""
    tasks = [asyncio.create_task(it) for it in coroutines]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        return done.pop().result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
