"""A fresh database for every test, on SQLite or PostgreSQL, and Django looking into it."""

import contextlib
import dataclasses
import functools
import itertools
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from django.db import connections

from birdwatcher.configuration.databases import parse_database_url
from tests.support.postgres import PostgresCluster
from tests.support.processes import ROOT
from tests.support.waiting import STARTING

SQLITE = "sqlite"
POSTGRESQL = "postgresql"

_FOREIGN = ("BIRDWATCHER_", "DJANGO_", "DATABASE_URL", "PG")


def environment(url: str, state_dir: Path) -> dict[str, str]:
    """Return the whole environment of a program that uses the database at `url`.

    Whatever configures Birdwatcher or PostgreSQL for the person who runs the tests stays outside.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)}
    return kept | {
        "DATABASE_URL": url,
        "BIRDWATCHER_STATE_DIR": str(state_dir),
        "BIRDWATCHER_SECRET_KEY": "a key that is long enough for the tests and nothing else " * 2,
        "BIRDWATCHER_HTTPS": "0",
        "PYTHONUNBUFFERED": "1",
    }


@dataclasses.dataclass(frozen=True)
class Database:
    """A database and the state directory that belongs to it."""

    vendor: str
    url: str
    state_dir: Path

    @property
    def name(self) -> str:
        """What the server knows it by; of SQLite, the name of its file."""
        return self.url.rpartition("/")[2]

    @property
    def env(self) -> dict[str, str]:
        """The environment for programs that use this database."""
        return environment(self.url, self.state_dir)


def migrate(database: Database) -> None:
    """Run `./manage.py migrate` on the database."""
    subprocess.run(
        [sys.executable, "manage.py", "migrate", "--verbosity=0"],
        cwd=ROOT,
        env=database.env,
        check=True,
        timeout=2 * STARTING,
    )


def sqlite_at(directory: Path) -> Database:
    """Return the SQLite database of a state directory; its file need not exist."""
    return Database(SQLITE, f"sqlite:///{directory}/birdwatcher.sqlite3", directory)


class Databases:
    """Makes databases: migrates one of each kind, once, and copies it for every test."""

    def __init__(self, directory: Path, cluster: Callable[[], PostgresCluster]) -> None:
        """`cluster` returns the running PostgreSQL server, and starts it when first called."""
        self._directory = directory
        self._cluster = cluster
        self._numbers = itertools.count(1)

    @functools.cached_property
    def _sqlite_template(self) -> Database:
        directory = self._directory / "template"
        directory.mkdir()
        migrate(database := sqlite_at(directory))
        return database

    @functools.cached_property
    def _postgresql_template(self) -> Database:
        name = "template_birdwatcher"
        self._cluster().create_database(name)
        migrate(database := Database(POSTGRESQL, self._cluster().url(name), self._directory))
        return database

    @contextlib.contextmanager
    def fresh(self, vendor: str, state_dir: Path, *, migrated: bool = True) -> Iterator[Database]:
        """Make a database, point this process's Django to it, drop it at the end."""
        template = self._template(vendor) if migrated else None
        make = self._sqlite if vendor == SQLITE else self._postgresql
        with make(state_dir, template) as database, django_in(database):
            yield database

    @contextlib.contextmanager
    def copy_of(self, database: Database, state_dir: Path) -> Iterator[Database]:
        """Make a copy of a database that nobody is connected to, as `fresh` makes an empty one."""
        make = self._sqlite if database.vendor == SQLITE else self._postgresql
        with make(state_dir, database) as copy, django_in(copy):
            yield copy

    def _template(self, vendor: str) -> Database:
        return self._sqlite_template if vendor == SQLITE else self._postgresql_template

    @contextlib.contextmanager
    def _sqlite(self, state_dir: Path, template: Database | None) -> Iterator[Database]:
        if template:
            shutil.copytree(template.state_dir, state_dir, dirs_exist_ok=True)
        yield sqlite_at(state_dir)

    @contextlib.contextmanager
    def _postgresql(self, state_dir: Path, template: Database | None) -> Iterator[Database]:
        cluster = self._cluster()
        name = f"test_{next(self._numbers)}"
        cluster.create_database(name, template.name if template else "template1")
        try:
            yield Database(POSTGRESQL, cluster.url(name), state_dir)
        finally:
            cluster.drop_database(name)


@contextlib.contextmanager
def django_in(database: Database) -> Iterator[None]:
    """Make `database` the default one of Django here, for the ORM and the test client."""
    parsed = parse_database_url(database.url) | {"CONN_MAX_AGE": 0}
    before = connections.settings["default"]
    _replace_connection(connections.configure_settings({"default": parsed})["default"])
    try:
        yield
    finally:
        _replace_connection(before)


def _replace_connection(configured: dict[str, object]) -> None:
    connections["default"].close()
    connections.settings["default"] = configured
    # Django keeps one connection object an alias, made from the settings of that moment.
    del connections["default"]
