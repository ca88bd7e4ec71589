"""Actions beside a test, each with a database connection of its own."""

import threading
from collections.abc import Callable

from django.db import connection

WAITING = """
    SELECT count(*) FROM pg_locks WHERE NOT granted AND pid IN (
        SELECT pid FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database
        WHERE datname = current_database())
"""


class Beside:
    """Does something in a thread of its own, with a connection of its own."""

    def __init__(self, action: Callable[[], object]) -> None:
        self.errors: list[Exception] = []
        self._action = action
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self) -> None:
        try:
            self._action()
        except Exception as error:
            self.errors.append(error)
        finally:
            connection.close()

    def end(self) -> None:
        """Wait for its end, and raise what went wrong in it."""
        self.thread.join(30)
        assert not self.thread.is_alive()
        for error in self.errors:
            raise error


def somebody_waits() -> bool:
    """Return whether a session of this PostgreSQL database waits for a lock."""
    with connection.cursor() as cursor:
        cursor.execute(WAITING)
        return bool(cursor.fetchone()[0])
