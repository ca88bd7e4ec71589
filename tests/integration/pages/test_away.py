"""Pages while the database is away, locked or not migrated: they say so, and come back."""

import contextlib
import logging
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.test import Client

from birdwatcher.common.database import engine_of
from birdwatcher.common.database.troubles import (
    TookTooLongError,
    Trouble,
    Troubles,
    trouble_of,
    troubles,
)
from birdwatcher.health import examination
from tests.support.databases import SQLITE, Database, django_in
from tests.support.postgres import PostgresCluster

PAGES = ("/", "/nodes/", "/birds/?past=hour", "/species/", "/system/", "/admin/")
COMES_BACK = '<meta http-equiv="refresh" content="5">'


@pytest.fixture(autouse=True)
def forget() -> None:
    """Forget the troubles of other tests."""
    troubles.__init__()  # type: ignore[misc]


@pytest.fixture
def client() -> Client:
    """A browser that shows the pages of errors."""
    return Client(raise_request_exception=False)


def check_pages(client: Client, word: str) -> None:
    """Open every page, with a session that cannot be read."""
    client.cookies["sessionid"] = "a" * 32
    for page in PAGES:
        response = client.get(page)
        text = response.content.decode()
        assert (response.status_code, response["Retry-After"]) == (503, "5"), page
        assert word in text
        assert COMES_BACK in text
    posted = client.post("/login/", {"username": "a", "password": "b"})
    assert posted.status_code == 503
    assert "may not have been saved" in posted.content.decode()
    assert COMES_BACK not in posted.content.decode()
    answer = client.get("/api/v1/nodes")
    assert answer.status_code == 503
    assert answer.json()["detail"].startswith("The database is not available")
    assert client.get("/healthz").status_code == 503


def warnings_of(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return the messages at WARNING or above, of whatever logger."""
    return [it.getMessage() for it in caplog.records if it.levelno >= logging.WARNING]


def test_without_migrations(
    blank_database: Database, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    check_pages(client, "The database is not ready")
    (line,) = warnings_of(caplog)
    assert line.startswith("the database lacks migrations: ")


def test_a_file_that_cannot_be_opened(
    client: Client, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    with django_in(Database(SQLITE, f"sqlite:///{tmp_path}/missing/birds.sqlite3", tmp_path)):
        check_pages(client, "The database does not answer")
    (line,) = warnings_of(caplog)
    assert line.startswith("the database is not available: unable to open database file")


@contextlib.contextmanager
def read_locked(database: Database) -> Iterator[None]:
    """Let nobody else read, as while tables are migrated or a file is restored."""
    connection.close()
    if database.vendor == SQLITE:
        path = database.url.removeprefix("sqlite:///")
        with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as locker:
            locker.execute("PRAGMA locking_mode = EXCLUSIVE")
            locker.execute("BEGIN EXCLUSIVE")
            yield
    else:
        with psycopg.connect(database.url) as locker:
            locker.execute("LOCK TABLE nodes_node, django_session IN ACCESS EXCLUSIVE MODE")
            yield


def test_a_database_that_is_locked(
    database: Database, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def bound(connection: BaseDatabaseWrapper, **_: Any) -> None:
        engine_of(connection).limit_statements(0.4, connection)

    monkeypatch.setattr(settings, "BIRDWATCHER", replace(settings.BIRDWATCHER, public=True))
    connection.settings_dict["OPTIONS"].pop("init_command", None)  # it would wait, too
    with read_locked(database):
        connection_created.connect(bound)
        try:
            response = client.get("/nodes/")
        finally:
            connection_created.disconnect(bound)
        text = response.content.decode()
        assert (response.status_code, "The database is busy" in text) == (503, True), text
        assert COMES_BACK in text
    assert client.get("/nodes/").status_code == 200


def test_a_server_that_is_stopped_and_started(
    own_cluster: PostgresCluster,
    own_database: Database,
    client: Client,
    caplog: pytest.LogCaptureFixture,
) -> None:
    User.objects.create_superuser("keeper")
    connection.close()
    own_cluster.stop()
    check_pages(client, "The database does not answer")
    assert len(warnings_of(caplog)) == 1
    own_cluster.start()
    client.force_login(User.objects.get())
    assert client.get("/").status_code == 200


@pytest.mark.parametrize(("frozen", "word"), [(True, "does not answer"), (False, "took too long")])
def test_a_server_that_hangs_is_not_the_questions_fault(
    own_cluster: PostgresCluster,
    own_database: Database,
    client: Client,
    monkeypatch: pytest.MonkeyPatch,
    frozen: bool,
    word: str,
) -> None:
    def ended(_asked: object) -> None:
        raise TookTooLongError

    monkeypatch.setattr(settings, "BIRDWATCHER", replace(settings.BIRDWATCHER, public=True))
    monkeypatch.setattr("birdwatcher.pages.nodes.views.understand", ended)
    # Neither the answer of another test, nor one of this test for others.
    monkeypatch.setattr(examination, "_facts", examination.Patiently(examination.read_facts))
    if frozen:
        monkeypatch.setattr(examination, "PATIENCE", 0.2)
        own_cluster.freeze()
    text = client.get("/nodes/").content.decode()
    assert word in text
    assert (COMES_BACK in text) == frozen
    own_cluster.thaw()


def test_a_mistake_in_a_statement_is_no_outage(database: Database) -> None:
    for mistake in ("SELEC 1", "SELECT nonsense(1)"):
        with pytest.raises(Exception) as raised, connection.cursor() as cursor:  # noqa: PT011
            cursor.execute(mistake)
        assert trouble_of(raised.value) is None
    for missing in ("SELECT * FROM missing", "SELECT missing FROM birds_bird"):
        with pytest.raises(Exception) as raised, connection.cursor() as cursor:  # noqa: PT011
            cursor.execute(missing)
        assert trouble_of(raised.value) is Trouble.UNMIGRATED


def test_an_outage_is_two_lines(caplog: pytest.LogCaptureFixture) -> None:
    now = 0.0
    noted = Troubles(clock=lambda: now)
    error = ValueError("refused")
    with caplog.at_level(logging.INFO, "birdwatcher.web"):
        noted.answered()
        for _ in range(3):
            noted.met(Trouble.AWAY, error, "GET /")
        now = 42.0
        noted.answered()
        noted.answered()
        assert [it.getMessage() for it in caplog.records] == [
            "the database is not available: refused; requests get 503 until it is",
            "the database answers again, after 42 s; requests that met this: 3",
        ]
        caplog.clear()
        for now in (100.0, 101.0, 102.0, 160.0):  # noqa: B007 read by the clock
            noted.met(Trouble.TOO_LONG, error, "GET /")
    assert [it.getMessage() for it in caplog.records] == [
        "the database takes too long: GET /: refused (and requests since the last such line: 0)",
        "the database takes too long: GET /: refused (and requests since the last such line: 2)",
    ]
