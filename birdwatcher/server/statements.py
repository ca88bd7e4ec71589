"""A bound on the time of a statement, so that no request keeps a thread for ever."""

from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

from birdwatcher.common.database import engine_of
from birdwatcher.common.limits import STATEMENT_TIMEOUT


def bound_statements(seconds: float) -> None:
    """Have each statement of this process raise OperationalError after so many `seconds`.

    At least `STATEMENT_TIMEOUT`, and by itself on PostgreSQL only: SQLite has no such setting. It
    also bounds what `birdwatcher.server.deadline` does not watch. The web UI changes millions of
    birds in pieces; management commands run in other processes.
    """

    def bound(connection: BaseDatabaseWrapper, **_: Any) -> None:
        limit = max(seconds, STATEMENT_TIMEOUT)
        engine_of(connection).limit_statements(limit, connection)

    connection_created.connect(bound, weak=False, dispatch_uid="birdwatcher.server.statements")
