"""Writing along with a question what it does not depend on: only if that is done in a moment."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction

PATIENCE = 0.25  # seconds to wait for others to let go of what they hold


@contextmanager
def briefly() -> Iterator[None]:
    """Wait `PATIENCE` at most for each lock; to be used outside any transaction.

    Raises OperationalError if that is not enough, and other django.db.Error.
    """
    milliseconds = round(PATIENCE * 1000)
    if connection.vendor == "postgresql":
        with transaction.atomic():
            _execute(f"SET LOCAL lock_timeout = {milliseconds}")
            yield
        return
    usual = _execute("PRAGMA busy_timeout")
    _execute(f"PRAGMA busy_timeout = {milliseconds}")
    try:
        with transaction.atomic():
            yield
    finally:
        _execute(f"PRAGMA busy_timeout = {usual}")


def _execute(statement: str) -> int | None:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return int(cursor.fetchone()[0]) if cursor.description else None
