"""The database, asked from an event loop that must never wait for it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import django.db
from django.db import connection

PATIENCE = 4.0  # seconds, for an answer

T = TypeVar("T")


class DatabaseThread:
    """A thread with a connection of its own, which answers one call at a time.

    Whatever hangs in the database holds up neither the loop nor what other threads ask. The others
    wait in the loop, in their order, and whoever goes away meanwhile leaves nothing behind. The
    connection is kept as long as calls follow each other, or while it is held, or until `leave`;
    but not after an error, which may have been the connection's own.
    """

    def __init__(self, *, stays: bool = False) -> None:
        """`stays`: to be connected also while nothing is asked."""
        # It starts its thread with the first call.
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="live")
        self._stays = stays
        self._in_use = 0  # by so many that wait, or hold it
        self._turn = asyncio.Lock()

    async def ask(self, call: Callable[[], T], late: Callable[[], None] = lambda: None) -> T:
        """Return or raise what `call()` does in the thread.

        `late()` is called in the loop each time that another `PATIENCE` has passed.
        """
        asked = asyncio.create_task(self._ask(call))
        try:
            while not asked.done():
                await asyncio.wait({asked}, timeout=PATIENCE)
                if not asked.done():
                    late()
            return asked.result()
        finally:
            asked.cancel()

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Keep the connection until the end, however much time there is between the calls."""
        self._in_use += 1
        try:
            yield
        finally:
            self._let_go()

    def leave(self) -> None:
        """Have the thread close its connection when it is done; wait for nothing."""
        self._executor.submit(_disconnect)

    async def _ask(self, call: Callable[[], T]) -> T:
        with self.held():
            await self._turn.acquire()
            answer = asyncio.get_running_loop().run_in_executor(self._executor, _answer, call)
            # Nobody else's turn before it has ended, even if no one waits for it any more.
            answer.add_done_callback(lambda _: self._turn.release())
            return await asyncio.shield(answer)

    def _let_go(self) -> None:
        self._in_use -= 1
        if not self._stays and not self._in_use:
            self.leave()


def _answer(call: Callable[[], T]) -> T:
    """Return or raise what `call()` does. In the thread."""
    try:
        return call()
    except django.db.Error:
        # Not left to `leave`, which never comes as long as enough of them ask and are answered so.
        _disconnect()
        raise


def _disconnect() -> None:
    """Close the connection of the thread that runs this, whatever state it is in.

    Outside it, `connection.close` already is the method of another one: Django has one a thread,
    and looks for it when the name `close` is looked up.
    """
    with contextlib.suppress(django.db.Error):
        connection.close()
