"""What one question of the database may take, so that no request keeps a thread for ever."""

from __future__ import annotations

from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

from birdwatcher.common.database import engine_of
from birdwatcher.common.limits import STATEMENT_TIMEOUT


def bound_statements() -> None:
    """From now on, let no statement of this process take longer than `STATEMENT_TIMEOUT`.

    Then it raises OperationalError. On PostgreSQL only: SQLite knows nothing of the kind. What the
    web UI does to millions of birds, it does in pieces; management commands are other processes.
    """
    connection_created.connect(_bound, dispatch_uid="birdwatcher.server.statements")


def _bound(connection: BaseDatabaseWrapper, **_: Any) -> None:
    engine_of(connection).limit_statements(STATEMENT_TIMEOUT, connection)
