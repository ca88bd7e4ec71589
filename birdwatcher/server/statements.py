"""A bound on the time of a statement, so that no request keeps a thread for ever."""

from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

from birdwatcher.common.database import engine_of
from birdwatcher.common.limits import STATEMENT_TIMEOUT


def bound_statements() -> None:
    """Have each statement of this process raise OperationalError after `STATEMENT_TIMEOUT`.

    On PostgreSQL only: SQLite has no such setting. The web UI changes millions of birds in pieces;
    management commands run in other processes.
    """
    connection_created.connect(_bound, dispatch_uid="birdwatcher.server.statements")


def _bound(connection: BaseDatabaseWrapper, **_: Any) -> None:
    engine_of(connection).limit_statements(STATEMENT_TIMEOUT, connection)
