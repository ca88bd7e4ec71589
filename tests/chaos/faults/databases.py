"""A database that is stopped, dies, freezes, is locked, or has no room."""

import contextlib
import sqlite3
from collections.abc import Callable, Iterator

from tests.chaos.faults.fault import Fault
from tests.chaos.site import Site
from tests.support.databases import SQLITE
from tests.support.postgres import PostgresCluster

AWAY = (0.5, 3.0)  # seconds
LOCKED = (0.5, 6.5)  # longer than the writer waits for the lock in one go


def _cluster(site: Site) -> PostgresCluster:
    assert site.means.cluster is not None
    return site.means.cluster


@contextlib.contextmanager
def stopped(site: Site) -> Iterator[None]:
    """Shut the server down in order: every session is ended."""
    _cluster(site).stop()
    try:
        yield
    finally:
        _cluster(site).start()


@contextlib.contextmanager
def dead(site: Site) -> Iterator[None]:
    """The server drops dead, and has to recover when it is started."""
    _cluster(site).stop(immediate=True)
    try:
        yield
    finally:
        _cluster(site).start()


@contextlib.contextmanager
def frozen(site: Site) -> Iterator[None]:
    """The server says nothing, and nothing tells that it is not just slow."""
    _cluster(site).freeze()
    try:
        yield
    finally:
        _cluster(site).thaw()


@contextlib.contextmanager
def locked(site: Site) -> Iterator[None]:
    """Somebody else writes, and takes their time."""
    path = site.database.url.removeprefix("sqlite:///")
    # In autocommit, so that nothing begins but this; patient, as the writer is writing too.
    with contextlib.closing(sqlite3.connect(path, isolation_level=None, timeout=60)) as other:
        other.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            other.execute("ROLLBACK")


@contextlib.contextmanager
def full(site: Site) -> Iterator[None]:
    """The disk of the database and of the spools is full."""
    assert site.means.disk is not None
    with site.means.disk.full():
        yield


def away(site: Site) -> Callable[[Site], contextlib.AbstractContextManager[None]]:
    """Return one of the ways in which this database may be away."""
    if site.database.vendor == SQLITE:
        return locked
    return site.random.choice([stopped, dead, frozen])


def lacks_server(site: Site) -> str | None:
    """Whether there is no server that may be stopped."""
    return None if site.means.cluster else "SQLite has no server"


def lacks_file(site: Site) -> str | None:
    """Whether the database is no file."""
    return None if site.database.vendor == SQLITE else "PostgreSQL is not locked as a whole"


def lacks_disk(site: Site) -> str | None:
    """Whether there is no disk that may be filled."""
    return None if site.means.disk else "no small disk can be mounted here"


def _for_a_while(
    how: Callable[[Site], contextlib.AbstractContextManager[None]], seconds: tuple[float, float]
) -> Callable[[Site], None]:
    def inject(site: Site) -> None:
        with how(site):
            site.pause(*seconds)

    return inject


FAULTS = (
    Fault("database stopped", _for_a_while(stopped, AWAY), lacks_server),
    Fault("database dead", _for_a_while(dead, AWAY), lacks_server),
    Fault("database frozen", _for_a_while(frozen, AWAY), lacks_server),
    Fault("database locked", _for_a_while(locked, LOCKED), lacks_file),
    Fault("disk full", _for_a_while(full, AWAY), lacks_disk),
)
