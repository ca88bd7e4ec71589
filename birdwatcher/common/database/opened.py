"""Whether the path of a SQLite database still names the file that a connection has open.

A backup that is moved to the path leaves every open connection with a file that no path names:
commits would succeed, and be gone. What one must know to change this:

- Closing the last connection to a file deletes the files `-wal` and `-shm` at its path, which may
  be those of the new file by then. While one connection to the old file is open, none is the last.
  So the connection of a replaced file is never closed: it is given up, and stays until the process
  ends, which ends without SQLite.
- SQLite would take the old `-wal` at the path for the new file's, and mix the two. So it is renamed
  before the new file is opened here. Programs that open it within that moment may still mix them.
"""

import contextlib
import os
import sqlite3
from pathlib import Path
from typing import Any

from django.db import OperationalError
from django.db.backends.base.base import BaseDatabaseWrapper

COMPANIONS = ("-wal", "-shm")
SET_ASIDE = ".replaced"

Identity = tuple[int, int]

_given_up: list[sqlite3.Connection] = []


class ReplacedError(OperationalError):
    """The path names another file than the one in use, or none."""


def identity_of(path: Path | str) -> Identity | None:
    """Return device and inode of what `path` names, None if that is nothing."""
    try:  # not by Path: it is called for each commit
        found = os.stat(path)  # noqa: PTH116
    except OSError:
        return None
    return found.st_dev, found.st_ino


def note_opened(connection: Any) -> None:
    """Remember which file a new connection has open."""
    connection.opened = identity_of(connection.settings_dict["NAME"])


def check_opened(connection: BaseDatabaseWrapper) -> None:
    """Give a connection up if its file was replaced. Raises ReplacedError then.

    To be called outside a transaction.
    """
    path = connection.settings_dict["NAME"]
    opened = getattr(connection, "opened", None)
    if connection.connection is None or opened is None or opened == identity_of(path):
        return
    with contextlib.suppress(sqlite3.Error):
        connection.connection.execute("PRAGMA shrink_memory")
    _set_aside_companions(str(path))
    _given_up.append(connection.connection)
    connection.connection = None
    raise ReplacedError(f"the file {path} was replaced or removed while it was in use")


def _set_aside_companions(path: str) -> None:
    """Rename the files beside the database that this process has open: they are the old one's."""
    ours = {identity_of(descriptor) for descriptor in Path("/proc/self/fd").iterdir()}
    for companion in COMPANIONS:
        if (identity := identity_of(path + companion)) and identity in ours:
            with contextlib.suppress(OSError):
                Path(path + companion).replace(path + companion + SET_ASIDE)
