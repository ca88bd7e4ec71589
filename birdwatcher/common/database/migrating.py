"""Migrations: whether some are missing, and how one process at a time runs them."""

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import django.db
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from birdwatcher.common.database.postgresql_statements import MIGRATION_LOCK
from birdwatcher.common.database.tables import execute
from nodeproc.file_lock import try_lock

PATIENCE = 1800.0  # seconds; a migration of a large table takes minutes
PAUSE = 0.2


class StillMigratingError(Exception):
    """Another process has been migrating the database for longer than `PATIENCE`."""


def lack_of_migrations() -> str | None:
    """Return a sentence with the cure if migrations are missing. Raises django.db.Error."""
    executor = MigrationExecutor(connection)
    missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if not missing:
        return None
    count = "a migration" if len(missing) == 1 else f"{len(missing)} migrations"
    return f"The database lacks {count}: run ./manage.py migrate, then start again."


@contextlib.contextmanager
def alone(waits: Callable[[], object]) -> Iterator[None]:
    """Hold the lock of migrations inside the block; call `waits()` if another process holds it.

    The lock ends with the process, however it ends. Raises StillMigratingError, django.db.Error.
    """
    with (_on_server if connection.vendor == "postgresql" else _beside_file)() as attempt:
        deadline = time.monotonic() + PATIENCE
        if not attempt():
            waits()
            while not attempt():
                if time.monotonic() > deadline:
                    raise StillMigratingError
                time.sleep(PAUSE)
        yield


@contextlib.contextmanager
def _on_server() -> Iterator[Callable[[], bool]]:
    """Yield a function that tries to take an advisory lock of this session."""
    try:
        yield lambda: bool(execute("SELECT pg_try_advisory_lock(%s, %s)", *MIGRATION_LOCK)[0][0])
    finally:
        with contextlib.suppress(django.db.Error):  # a lost session has lost its locks
            execute("SELECT pg_advisory_unlock(%s, %s)", *MIGRATION_LOCK)


@contextlib.contextmanager
def _beside_file() -> Iterator[Callable[[], bool]]:
    """Yield a function that tries to lock the directory of the database file."""
    directory = Path(connection.settings_dict["NAME"]).parent
    try:
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        yield lambda: True  # SQLite will say what is wrong with it
        return
    try:
        yield lambda: try_lock(descriptor)
    finally:
        os.close(descriptor)
