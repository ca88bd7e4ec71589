"""What the rooms ask of a database beside Django's own interface: one object for each kind of it.

A room never asks which database it has. It asks `engine()`, or it has its fixed SQL in files, one
for each database (see `birdwatcher.common.sql`).
"""

from collections import deque
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

from birdwatcher.common.database.engine import Engine
from birdwatcher.common.database.opened import note_opened
from birdwatcher.common.database.postgresql import PostgreSQL
from birdwatcher.common.database.sqlite import SQLite

ENGINES: dict[str, Engine] = {engine.name: engine for engine in (PostgreSQL(), SQLite())}


def engine() -> Engine:
    """Return the engine of the database that is configured."""
    return ENGINES[connection.vendor]


def engine_of(other: BaseDatabaseWrapper) -> Engine:
    """Return the engine of the database to which the connection `other` leads."""
    return ENGINES[other.vendor]


def _connected(connection: BaseDatabaseWrapper, **_: Any) -> None:
    """Look at each new connection. Raises ImproperlyConfigured for a database that loses names."""
    if connection.vendor == "postgresql":
        _check_encoding(connection)
    else:
        note_opened(connection)


def _check_encoding(connection: BaseDatabaseWrapper) -> None:
    """Refuse a database that cannot keep every name: PostgreSQL says it in its greeting."""
    encoding = connection.connection.info.parameter_status("server_encoding")
    if encoding != "UTF8":
        connection.close()
        raise ImproperlyConfigured(
            f"The database {connection.settings_dict['NAME']} has the encoding {encoding}, which "
            "cannot keep every name: make another with CREATE DATABASE … ENCODING 'UTF8' TEMPLATE "
            "template0, move the data with pg_dump, and let DATABASE_URL name it."
        )


connection_created.connect(_connected)


def first_line(error: BaseException) -> str:
    """Return the first line of a database's message; the other lines repeat the statement."""
    text = str(error).encode(errors="backslashreplace").decode()  # a path may be of any bytes
    return (text.strip() or type(error).__name__).splitlines()[0]


def _keep_no_queries(connection: BaseDatabaseWrapper, **_: Any) -> None:
    """With BIRDWATCHER_DEBUG Django keeps the last 9,000 statements of each connection, until the
    next request: in a process without requests for ever, and some have megabytes."""
    if settings.DEBUG:
        connection.queries_log = deque(maxlen=0)


connection_created.connect(_keep_no_queries)
