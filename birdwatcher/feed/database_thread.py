"""Database calls from an event loop that must never wait for them."""

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
    """A thread with its own connection, which runs one call at a time.

    A call that hangs holds up neither the loop nor other threads. The next calls wait in the loop,
    in their order; one that is cancelled there leaves nothing behind. The connection stays open
    while calls follow each other, or inside `held`, or until `close`; but not after an error, which
    may be the connection's own.
    """

    def __init__(self, *, stays: bool = False) -> None:
        """`stays`: keep the connection open between calls."""
        # It starts its thread with the first call.
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="live")
        self._stays = stays
        self._in_use = 0  # calls that wait or run, and `held` blocks
        self._turn = asyncio.Lock()

    async def ask(self, call: Callable[[], T], late: Callable[[], None] = lambda: None) -> T:
        """Return or raise what `call()` does in the thread.

        Calls `late()` in the loop each time that another `PATIENCE` has passed.
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
        """Keep the connection open inside the block, however long the pauses between calls are."""
        self._in_use += 1
        try:
            yield
        finally:
            self._in_use -= 1
            if not self._stays and not self._in_use:
                self.close()

    def close(self) -> None:
        """Have the thread close its connection after the current call; do not wait for it."""
        self._executor.submit(_disconnect)

    async def _ask(self, call: Callable[[], T]) -> T:
        with self.held():
            await self._turn.acquire()
            answer = asyncio.get_running_loop().run_in_executor(self._executor, _answer, call)
            # The turn ends with the call, even if its caller was cancelled meanwhile.
            answer.add_done_callback(lambda _: self._turn.release())
            return await asyncio.shield(answer)


def _answer(call: Callable[[], T]) -> T:
    """Return or raise what `call()` does. Runs in the thread."""
    try:
        return call()
    except django.db.Error:
        # `held` may never close it, if enough calls follow each other and all of them fail.
        _disconnect()
        raise


def _disconnect() -> None:
    """Close the connection of the thread that runs this, whatever state it is in.

    `connection.close` cannot be passed to the thread itself: Django has one connection a thread and
    would look up the caller's.
    """
    with contextlib.suppress(django.db.Error):
        connection.close()
