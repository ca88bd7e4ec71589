"""Finds out whether a pooler stands between the daemon and PostgreSQL, and shares its sessions."""

import psycopg
from django.db import connection

from birdwatcher.common.database.tables import execute

TRIES = 5


def shares_sessions() -> bool:
    """Whether each transaction may run in another session of PostgreSQL. Raises django.db.Error.

    Without a pooler, the process that greeted us is the one that answers. With one, another
    connection is opened beside ours: if it is served by a process that has served us, or we are
    served by several, sessions are shared. A pooler mostly has the last one to be free used next,
    so the first try shows it.
    """
    served = {_pid()}
    if served == {connection.connection.info.backend_pid}:
        return False
    with connection.wrap_database_errors, _another() as other:
        for _ in range(TRIES):
            with other.transaction():
                ((beside,),) = other.execute("SELECT pg_backend_pid()").fetchall()
                served.add(_pid())  # meanwhile, the other has its own
            served.add(_pid())
            if beside in served or len(served) > 1:
                return True
    return False


def _pid() -> int:
    """Return the process that serves our connection at this moment."""
    ((pid,),) = execute("SELECT pg_backend_pid()")
    return int(pid)


def _another() -> psycopg.Connection:
    """Return one more connection to the same database."""
    parameters = connection.get_connection_params()
    parameters.pop("cursor_factory", None)
    parameters.pop("context", None)
    return psycopg.connect(**parameters, autocommit=True)
