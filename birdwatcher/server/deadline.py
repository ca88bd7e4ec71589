"""A bound on the time of a request, which also ends its statements, on both databases.

A request that only reads has so many seconds in all, after which the visitor gets a page that says
so. One that changes something may take longer, as to delete millions of birds in pieces: it has
`STATEMENT_TIMEOUT` for each statement. When a reader has left, the work for it is ended at once. A
stream is bounded until it begins; its pieces are small.

Python offers no way to end a thread from outside. So what takes long must be a statement, and other
loops over what nodes choose must be bounded.
"""

import asyncio
import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from birdwatcher.common.database import engine_of
from birdwatcher.common.database.troubles import TookTooLongError, troubles
from birdwatcher.common.limits import STATEMENT_TIMEOUT

AGAIN = 0.1  # seconds until the next look: the statement may have begun just after this one
READING = {"GET", "HEAD", "OPTIONS"}


class Deadline:
    """The time of one request; made in the event loop, which watches its thread."""

    def __init__(self, method: str | None, seconds: float) -> None:
        self.over = False
        self._of_statements = method not in READING
        self._seconds = STATEMENT_TIMEOUT if self._of_statements else seconds
        self._ends_at = math.inf  # the time begins when the request has a thread
        self._lock = threading.Lock()
        self._connection: BaseDatabaseWrapper | None = None  # while the thread may use it
        self._ended = False
        self._loop = asyncio.get_running_loop()
        self._timer = self._loop.call_later(self._seconds, self._look)

    # In the event loop

    def finish(self) -> None:
        """Stop watching: the request is answered."""
        self._timer.cancel()

    def abandon(self) -> None:
        """End the request now, if it only reads: its client has left."""
        if not self._of_statements:
            self._ends_at = 0.0
            self._timer.cancel()
            self._look()

    def _look(self) -> None:
        pause = self._ends_at - time.monotonic()
        with self._lock:
            if self._ended:
                return
            if pause <= 0:
                self.over = True
                if self._connection is not None:
                    engine_of(self._connection).interrupt(self._connection)
        self._timer = self._loop.call_later(max(AGAIN, min(pause, self._seconds)), self._look)

    # In the thread

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Have the statements inside the block raise TookTooLongError after the deadline."""
        connection = connections[DEFAULT_DB_ALIAS]
        with connection.execute_wrapper(self._execute):
            self._begin(connection)
            try:
                yield
            finally:
                with self._lock:
                    self._ended, self._connection = True, None
                if self.over:
                    connection.close()

    def _begin(self, connection: BaseDatabaseWrapper) -> None:
        with self._lock:
            self._connection = connection
            if not self._of_statements and not self.over:
                self._ends_at = time.monotonic() + self._seconds

    def _execute(
        self, run: Callable[..., Any], sql: str, params: Any, many: bool, context: Any
    ) -> Any:
        now = time.monotonic()
        if self._of_statements:
            self._ends_at = now + self._seconds
        if self.over or now >= self._ends_at:
            self.over = True
            raise TookTooLongError
        try:
            result = run(sql, params, many, context)
        except Exception as error:
            if self.over:
                raise TookTooLongError from error
            raise
        finally:
            if self._of_statements:
                self._ends_at = math.inf
        troubles.answered()
        return result
