"""The database, asked from an event loop that must never wait for it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import django.db
from django.db import connection

PATIENCE = 4.0  # seconds, for an answer

T = TypeVar("T")


class DatabaseThread:
    """A thread with a connection of its own, which answers one call at a time.

    Whatever hangs in the database holds up neither the loop nor what other threads ask. The
    connection is kept as long as calls follow each other, or until `leave`; but not after an error,
    which may have been the connection's own.
    """

    def __init__(self, *, stays: bool = False) -> None:
        """`stays`: to be connected also while nothing is asked."""
        # It starts its thread with the first call.
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="live")
        self._stays = stays
        self._waiting = 0

    async def ask(self, call: Callable[[], T], late: Callable[[], None] = lambda: None) -> T:
        """Return or raise what `call()` does in the thread.

        `late()` is called in the loop each time that another `PATIENCE` has passed.
        """
        self._waiting += 1
        answer = asyncio.get_running_loop().run_in_executor(self._executor, _answer, call)
        answer.add_done_callback(self._answered)
        while not answer.done():
            await asyncio.wait({answer}, timeout=PATIENCE)
            if not answer.done():
                late()
        return answer.result()

    def leave(self) -> None:
        """Have the thread close its connection when it is done; wait for nothing."""
        self._executor.submit(_disconnect)

    def _answered(self, _answer: object) -> None:
        # In the loop, as all that changes the number.
        self._waiting -= 1
        if not self._stays and not self._waiting:
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
