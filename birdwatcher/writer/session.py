"""The daemon's one database session: opened, locked, checked, and asked for changes of the nodes.

The checkpoints can be trusted because the session holds a lock: once that is free, everything that
an earlier writer sent to the database is either committed or gone.
"""

import contextlib
import os
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from django.core.exceptions import ImproperlyConfigured
from django.db import connection

from birdwatcher.common.database import engine
from birdwatcher.common.database.migrating import lack_of_migrations
from birdwatcher.common.database.opened import ReplacedError, identity_of
from birdwatcher.common.database.postgresql_statements import DAEMON_LOCK
from birdwatcher.common.database.tables import execute
from birdwatcher.nodes.models import NODES_CHANNEL, Node
from birdwatcher.writer.pooler import shares_sessions
from nodeproc.file_lock import try_lock
from nodeproc.wire.messages import NodeSpec

# Seconds: an earlier daemon may have ended just now. PostgreSQL notices after 2 seconds that a
# client is gone (see `client_connection_check_interval`), and may be busy itself.
LOCK_PATIENCE = 6.0
LOCK_PAUSE = 0.1
CHECK_INTERVAL = 0.2  # seconds between looks at SQLite's version counter
POSTGRESQL_PATIENCE = 30.0  # seconds; a notification makes the descriptor readable
# Every wait of the writer for the database ends by itself, in an error that is retried.
BUSY_TIMEOUT = 5.0  # seconds, SQLite
STATEMENT_TIMEOUT = 30.0  # seconds, PostgreSQL
NEVER = 2**31  # times that a statement has to be run before psycopg prepares it by itself


class RefusedError(Exception):
    """This database cannot be served as it is; the message is one sentence for the operator."""

    code = os.EX_CONFIG  # the daemon's exit code


class LockedError(RefusedError):
    """Another daemon holds this database; the message says which."""

    code = os.EX_TEMPFAIL


class Session(Protocol):
    """What the writer asks of a database, beside Django's connection to it."""

    descriptor: int | None  # becomes readable when something changed

    def open(self) -> None:
        """Connect and take the lock. Raises django.db.Error, LockedError."""

    def nodes_may_have_changed(self) -> bool:
        """Whether the node table may be another than at the last call; cheap.

        Raises django.db.Error.
        """

    def patience(self) -> float:
        """Return the seconds that may pass until the next look for changes.

        It is 0 if a change is known already: a notification that a statement received together with
        its own result does not make `descriptor` readable any more.
        """

    def close(self) -> None:
        """Close the connection, whatever state it is in."""


def open_session() -> Session:
    """Return the session, not yet open, for the kind of database that is configured."""
    return SESSIONS[engine().name]()


def check_migrations() -> None:
    """Raise RefusedError if migrations are missing; raises django.db.Error."""
    if lack := lack_of_migrations():
        raise RefusedError(lack)


def read_nodes() -> list[NodeSpec]:
    """Return all nodes, also those that are not enabled. Raises django.db.Error."""
    rows = Node.objects.order_by("pk")
    columns = rows.values_list(
        "pk", "name", "ip_address", "port", "restarts", "max_events_per_second", "enabled"
    )
    return [NodeSpec(*row) for row in columns]


def _name() -> str:
    """Return what others see of this session."""
    return f"birdwatcher writer {os.getpid()} on {socket.gethostname()}"


def _wait_for_lock(attempt: Callable[[], bool], holder: Callable[[], str]) -> None:
    deadline = time.monotonic() + LOCK_PATIENCE
    while not attempt():
        if time.monotonic() > deadline:
            raise LockedError(f"Another daemon serves this database already: {holder()}.")
        time.sleep(LOCK_PAUSE)


class _PostgreSQL:
    def __init__(self) -> None:
        self.descriptor: int | None = None
        self._changed = True

    def open(self) -> None:
        try:
            connection.ensure_connection()
        except ImproperlyConfigured as error:
            raise RefusedError(str(error)) from None
        if shares_sessions():
            raise RefusedError(
                "The database is reached through a pooler that gives each transaction another "
                "session (such as PgBouncer with pool_mode=transaction), in which the daemon can "
                "hold no lock: let DATABASE_URL lead to PostgreSQL itself, or set "
                "pool_mode=session."
            )
        engine().limit_statements(STATEMENT_TIMEOUT)
        raw = connection.connection
        execute("SELECT set_config('application_name', %s, false)", _name())
        # A writer that hangs inside a transaction must not hold its locks for ever, nor a session
        # outlive the writer that was killed while a statement ran.
        execute("SET idle_in_transaction_session_timeout = '60s'")
        if raw.info.server_version >= 140000:
            execute("SET client_connection_check_interval = '2s'")
        # Only statements that ask for it are prepared; with Django's None, not even they.
        raw.prepare_threshold = NEVER
        _wait_for_lock(self._lock, self._holder)
        raw.add_notify_handler(self._notified)  # called for those that come with a result
        execute(f"LISTEN {NODES_CHANNEL}")
        self.descriptor = raw.fileno()
        self._changed = True

    def _lock(self) -> bool:
        ((locked,),) = execute("SELECT pg_try_advisory_lock(%s, %s)", *DAEMON_LOCK)
        return bool(locked)

    def _holder(self) -> str:
        rows = execute(
            "SELECT application_name FROM pg_stat_activity JOIN pg_locks USING (pid)"
            " WHERE locktype = 'advisory' AND classid = %s AND objid = %s AND granted",
            *DAEMON_LOCK,
        )
        return rows[0][0] if rows else "its session has not ended"

    def _notified(self, _: object) -> None:
        self._changed = True

    def _read_notifications(self, *, receive: bool) -> None:
        raw = connection.connection.pgconn
        with connection.wrap_database_errors:
            if receive:
                raw.consume_input()
            while raw.notifies():
                self._changed = True

    def nodes_may_have_changed(self) -> bool:
        self._read_notifications(receive=True)
        changed, self._changed = self._changed, False
        return changed

    def patience(self) -> float:
        self._read_notifications(receive=False)
        return 0.0 if self._changed else POSTGRESQL_PATIENCE

    def close(self) -> None:
        self.descriptor = None
        connection.close()


class _SQLite:
    descriptor: int | None = None

    def __init__(self) -> None:
        self._version: int | None = None
        self._lock_file: int | None = None

    def open(self) -> None:
        path = connection.settings_dict["NAME"]
        there = identity_of(path)
        if there is None:  # SQLite would make an empty one
            raise RefusedError(
                f"There is no file {path}: put it back, or run ./manage.py migrate to make one."
            )
        connection.ensure_connection()
        if identity_of(path) != there:
            connection.close()
            raise ReplacedError(f"the file {path} is just being replaced")
        _wait_for_lock(self._lock, self._holder)
        execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT * 1000:.0f}")
        self._version = None

    @property
    def _lock_path(self) -> Path:
        return Path(f"{connection.settings_dict['NAME']}.daemon")

    def _lock(self) -> bool:
        """Lock a file beside the database: the kernel frees it when the process ends, however."""
        if self._lock_file is not None:
            held = os.fstat(self._lock_file)
            if (held.st_dev, held.st_ino) == identity_of(self._lock_path):
                return True
            os.close(self._lock_file)  # the directory was replaced, and the lock with it
            self._lock_file = None
        file = os.open(self._lock_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
        if not try_lock(file):
            os.close(file)
            return False
        os.truncate(file, 0)
        os.write(file, _name().encode())
        self._lock_file = file
        return True

    def _holder(self) -> str:
        return self._lock_path.read_text(errors="replace") or "its process has not ended"

    def nodes_may_have_changed(self) -> bool:
        """Ask SQLite, which counts for each connection the commits of all others."""
        before, self._version = self._version, engine().commits_of_others()
        return before != self._version

    def patience(self) -> float:
        return CHECK_INTERVAL

    def close(self) -> None:
        with contextlib.suppress(ReplacedError):
            engine().prove_kept()
        connection.close()  # and keep the lock: this process is still the writer


SESSIONS: dict[str, type[_PostgreSQL] | type[_SQLite]] = {
    "postgresql": _PostgreSQL,
    "sqlite": _SQLite,
}
