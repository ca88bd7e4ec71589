"""A database that nobody can write to for a while."""

import contextlib
import sqlite3
from collections.abc import Iterator

import psycopg

from tests.support.databases import SQLITE, Database


@contextlib.contextmanager
def write_locked(database: Database) -> Iterator[None]:
    """Let nobody else write birds; reading goes on."""
    if database.vendor == SQLITE:
        path = database.url.removeprefix("sqlite:///")
        with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield
    else:
        with psycopg.connect(database.url) as connection:
            connection.execute("LOCK TABLE birds_bird IN EXCLUSIVE MODE")
            yield
