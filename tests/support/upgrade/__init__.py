"""The installation of an earlier release, loaded to be upgraded.

`make_installation.py` made the files in the folder that is called after the release, and shows what
is in them.
"""

import gzip
import shutil
import sqlite3
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from django.db import connection

from tests.support.databases import SQLITE, Database

RELEASE = Path(__file__).parent / "0.1.0"

# As in `make_installation.py`, which cannot be imported here: its imports are those of its release.
AT = 1_777_625_160.25  # 2026-05-01T08:46:00.25Z: when everything was received
STREAM, LAST = 1_234_567_890_123_456_789, 5  # of the node Dartmoor, and its checkpoint
SPOOLED = 6  # birds in its spool that are not committed
PASSWORD = "a warden of the park"
SESSION = "thesessionthatwasopenbefore"

HELD = """
    SELECT username, model, codename FROM (
        SELECT user_id, permission_id FROM auth_user_user_permissions UNION
        SELECT user_id, permission_id FROM auth_user_groups
        JOIN auth_group_permissions USING (group_id)
    ) AS held
    JOIN auth_user ON auth_user.id = held.user_id
    JOIN auth_permission ON auth_permission.id = held.permission_id
    JOIN django_content_type ON django_content_type.id = auth_permission.content_type_id
"""


def secret_of(name: str) -> str:
    """Return the secret of the token called `name`."""
    return f"bw_{name.replace(' ', '-'):_<43}"


@dataclass(frozen=True)
class Table:
    """The content of one table; rows as they are printed."""

    columns: tuple[str, ...]
    rows: Counter[str]

    @classmethod
    def read(cls, name: str, columns: tuple[str, ...] = ()) -> "Table":
        """Read a table of Django's database: all of its columns, or these."""
        listed = ", ".join(f'"{column}"' for column in columns) or "*"
        with connection.cursor() as cursor:
            cursor.execute(f'SELECT {listed} FROM "{name}"')  # noqa: S608
            found = tuple(column[0] for column in cursor.description)
            return cls(found, Counter(map(repr, cursor.fetchall())))


@dataclass(frozen=True)
class Installation:
    """A database, and what was in it before the migrations.

    `held` has who held which permission by a group or by hand: `(user, model, codename)`.
    """

    database: Database
    tables: dict[str, Table]
    held: set[tuple[str, str, str]]


def load(database: Database) -> Installation:
    """Fill an empty database, which Django uses, with what the earlier release left."""
    statements = gzip.decompress((RELEASE / f"{database.vendor}.sql.gz").read_bytes()).decode()
    if database.vendor == SQLITE:
        with closing(sqlite3.connect(database.state_dir / database.name)) as raw:
            raw.executescript(statements)
    else:
        with psycopg.connect(database.url, autocommit=True) as raw:
            raw.execute(statements)
    names = connection.introspection.table_names()
    tables = {name: Table.read(name) for name in names}
    return Installation(database, tables, set(rows_of(HELD)))


def place_spool(database: Database) -> None:
    """Put the spool of the node Dartmoor where the earlier release kept it."""
    (database.state_dir / "spool").mkdir()
    shutil.copy(RELEASE / "1.spool", database.state_dir / "spool")


def rows_of(query: str) -> list[tuple[Any, ...]]:
    """Return what a query of Django's database finds."""
    with connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchall()
