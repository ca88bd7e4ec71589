"""What is wrong when a database gives no answer, and the log of it."""

import enum
import logging
import math
import sqlite3
import threading
import time
from collections.abc import Callable

from django.db import DatabaseError, InterfaceError, OperationalError

from birdwatcher.common.database import first_line

# PostgreSQL's error codes.
UNDEFINED = {"42P01", "42703"}  # a table, a column
CANCELED = "57014"  # also by a time-out
LOCKED = {"40001", "40P01", "55P03"}  # serialization, deadlock, a lock that was not free
# SQLite's, and how its messages begin.
BASIC = 0xFF  # of an extended code
BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
SPOILT = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
MISSING = ("no such table:", "no such column:")

AWAY = "the database is not available: %s; requests get 503 until it is"
BACK = "the database answers again, after %.0f s; requests that met this: %d"
FOLDED = "the database %s: %s (and requests since the last such line: %d)"

log = logging.getLogger("birdwatcher.web")


class TookTooLongError(OperationalError):
    """The answer would have taken longer than a request may take."""

    def __init__(self) -> None:
        super().__init__("the request took too long")


class Trouble(enum.Enum):
    """Why a database gives no answer, if it is not the question's fault."""

    AWAY = "is not available"
    UNMIGRATED = "lacks migrations"  # or was migrated by a newer release
    BUSY = "is busy"
    TOO_LONG = "takes too long"


CURES = {
    Trouble.AWAY: "check that it runs, and that DATABASE_URL leads to it",
    Trouble.UNMIGRATED: "run ./manage.py migrate",
    Trouble.BUSY: "try again in a moment",
    Trouble.TOO_LONG: "try again when it has less to do",
}

# Seconds between two lines about a trouble that some questions meet while others are answered.
SELDOM = {Trouble.UNMIGRATED: 600.0, Trouble.BUSY: 60.0, Trouble.TOO_LONG: 60.0}


def trouble_of(error: BaseException | None) -> Trouble | None:
    """Return what is wrong with the database if it is the cause of `error`, else None."""
    if isinstance(error, TookTooLongError):
        return Trouble.TOO_LONG
    if not isinstance(error, (DatabaseError, InterfaceError)):
        return None
    found = _by_code(error)
    if found or not isinstance(error, (OperationalError, InterfaceError)):
        return found
    # SQLite has no other code for a mistake in a statement.
    return None if _sqlite_code(error) == sqlite3.SQLITE_ERROR else Trouble.AWAY


def sentence_about(error: Exception) -> str | None:
    """Return what is wrong with the database, with the cure, if it is the cause of `error`."""
    trouble = trouble_of(error)
    if trouble is None:
        return None
    return f"The database {trouble.value} ({first_line(error).rstrip('.')}): {CURES[trouble]}."


def _by_code(error: Exception) -> Trouble | None:
    code, basic = getattr(error.__cause__, "sqlstate", None), _sqlite_code(error)
    if code in UNDEFINED or str(error).startswith(MISSING):
        return Trouble.UNMIGRATED
    if code == CANCELED or basic == sqlite3.SQLITE_INTERRUPT:
        return Trouble.TOO_LONG
    if code in LOCKED or basic in BUSY:
        return Trouble.BUSY
    return Trouble.AWAY if basic in SPOILT else None


def _sqlite_code(error: Exception) -> int | None:
    code = getattr(error.__cause__, "sqlite_errorcode", None)
    return None if code is None else code & BASIC


class Troubles:
    """Logs an outage in two lines, however many requests meet it; thread-safe."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._since: float | None = None  # of the outage
        self._met = 0  # requests that met it
        self._next: dict[Trouble, float] = {}  # when a line about it may be logged again
        self._unlogged: dict[Trouble, int] = {}

    def met(self, trouble: Trouble, error: BaseException, what: str) -> None:
        """Note that a request met `trouble`; `what` names the request."""
        if trouble in SELDOM:
            self._log_seldom(trouble, f"{what}: {first_line(error)}")
        elif self._begins():
            log.warning(AWAY, first_line(error))

    def _begins(self) -> bool:
        """Count a request of an outage; return whether it is the first."""
        with self._lock:
            self._met += 1
            first, self._since = self._since is None, self._since or self._clock()
            return first

    def answered(self) -> None:
        """Note that the database has answered."""
        if self._since is None:
            return
        with self._lock:
            since, met = self._since, self._met
            self._since, self._met = None, 0
        if since is not None:
            log.info(BACK, self._clock() - since, met)

    def _log_seldom(self, trouble: Trouble, line: str) -> None:
        with self._lock:
            others = self._unlogged.get(trouble, 0)
            if self._clock() < self._next.get(trouble, -math.inf):
                self._unlogged[trouble] = others + 1
                return
            self._next[trouble] = self._clock() + SELDOM[trouble]
            self._unlogged[trouble] = 0
        log.warning(FOLDED, trouble.value, line, others)


troubles = Troubles()
