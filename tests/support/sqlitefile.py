"""The file of a SQLite database, and a copy to put in its place."""

import contextlib
import sqlite3
from pathlib import Path

from tests.support.databases import Database


def file_of(database: Database) -> Path:
    """Return the path of the file."""
    return Path(database.url.removeprefix("sqlite:///"))


def back_up(database: Database) -> Path:
    """Copy the database as it is, into one file beside the state directory."""
    backup = database.state_dir.with_name("backup.sqlite3")
    with (
        contextlib.closing(sqlite3.connect(file_of(database))) as source,
        contextlib.closing(sqlite3.connect(backup)) as target,
    ):
        source.backup(target)
    return backup
