"""`./manage.py health` and `/healthz`: what they say, to whom, with which code, how soon."""

import datetime
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.utils import timezone

from birdwatcher.daemon.models import Daemon
from birdwatcher.health import examination
from birdwatcher.nodes.models import Node, NodeStatus
from nodeproc.states import NodeState
from tests.support.databases import Database
from tests.support.postgres import USER, PostgresCluster
from tests.support.processes import Processes
from tests.support.waiting import SLACK, STARTING, wait_until

OK_LINE = "OK: 2 nodes, 2 connected; 7 events/s; newest event"


@pytest.fixture(autouse=True)
def asked_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have every answer examined, and none of another test's database remembered."""
    monkeypatch.setattr(examination, "KEPT", 0.0)
    monkeypatch.setattr(examination, "_facts", examination.Patiently(examination.read_facts))


def all_is_well(**daemon: object) -> None:
    """Say in the database that all is well, but for some fields of the daemon."""
    now = timezone.now()
    for number in range(2):
        node = Node.objects.create(name="n", ip_address="127.0.0.1", port=number + 1)
        NodeStatus.objects.create(
            node=node, state=NodeState.CONNECTED, since=now, last_event_at=now
        )
    disabled = Node.objects.create(name="n", ip_address="127.0.0.1", port=9, enabled=False)
    NodeStatus.objects.create(node=disabled, state=NodeState.STOPPED, since=now)
    long_ago = now - datetime.timedelta(hours=1)
    fields = {"host": "h", "pid": 1, "started_at": long_ago, "seen_at": now}
    summary = {"nodes": 2, "connected": 2, "backlog": 0, "spooled": 0, "events_per_second": 7.0}
    Daemon.objects.create(pk=Daemon.ONLY, **fields | summary | daemon)


def health(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    """Run the command here; return its exit code and what it printed."""
    with pytest.raises(SystemExit) as ended:
        call_command("health", *arguments)
    code = ended.value.code
    assert isinstance(code, int)
    return code, capsys.readouterr().out.strip()


def answer(client: Client, **headers: str) -> tuple[int, str]:
    response = client.get("/healthz", headers=headers or None)
    assert response["Cache-Control"] == "no-store"
    return response.status_code, response.content.decode().strip()


def test_all_is_well(database: Database, capsys: pytest.CaptureFixture[str]) -> None:
    all_is_well()
    code, said = health(capsys)
    assert code == 0
    assert said.startswith(OK_LINE)
    assert answer(Client()) == (200, "ok")


def test_a_daemon_that_falls_behind(database: Database, capsys: pytest.CaptureFixture[str]) -> None:
    all_is_well(lag=95.0, backlog=12_004)
    code, said = health(capsys)
    assert code == 1
    assert said.startswith(
        "WARNING: falling behind: 12,004 events wait, the oldest for 95 s; 2 nodes, 2 connected"
    )
    assert answer(Client()) == (200, "warning")


def test_a_daemon_that_is_gone(database: Database, capsys: pytest.CaptureFixture[str]) -> None:
    all_is_well(seen_at=timezone.now() - datetime.timedelta(minutes=3))
    assert health(capsys) == (2, "CRITICAL: the daemon has not been seen for 3 min")
    assert answer(Client()) == (503, "critical")


def test_a_node_that_has_no_status_yet_is_starting(
    database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    all_is_well()
    NodeStatus.objects.all().delete()
    code, said = health(capsys)
    assert code == 2
    assert said.startswith("CRITICAL: none of 2 nodes is connected; 2 nodes, 0 connected, 2 start")


def test_as_json(database: Database, capsys: pytest.CaptureFixture[str]) -> None:
    all_is_well(spooled=3)
    code, said = health(capsys, "--json")
    told = json.loads(said)
    assert code == 0
    assert told["status"] == "ok"
    assert told["nodes"] == {"connected": 2}
    assert told["daemon"]["spooled"] == 3
    assert datetime.datetime.fromisoformat(told["newest_event_at"])


def test_a_database_without_tables(
    blank_database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    said = "UNKNOWN: the database lacks migrations: run ./manage.py migrate"
    assert health(capsys) == (3, said)
    assert answer(Client()) == (503, "unknown")


def test_a_database_without_a_column(
    database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {Daemon._meta.db_table} DROP COLUMN backlog")
    said = "UNKNOWN: the database lacks migrations: run ./manage.py migrate"
    assert health(capsys) == (3, said)
    assert answer(Client()) == (503, "unknown")


def test_the_answer_holds_for_a_moment(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(examination, "KEPT", 3600.0)
    all_is_well()
    assert answer(Client()) == (200, "ok")
    Daemon.objects.all().delete()
    assert answer(Client()) == (200, "ok")
    monkeypatch.setattr(examination, "KEPT", 0.0)
    assert answer(Client()) == (503, "critical")


def test_staff_are_told_why_and_others_are_not(database: Database) -> None:
    all_is_well()
    client, json_please = Client(), {"accept": "application/json"}
    assert answer(client, **json_please) == (200, "ok")
    client.force_login(User.objects.create_user("visitor"))
    assert answer(client, **json_please) == (200, "ok")
    client.force_login(User.objects.create_user("ranger", is_staff=True))
    code, said = answer(client)
    assert code == 200
    assert said.startswith(OK_LINE)
    code, said = answer(client, **json_please)
    assert json.loads(said)["status"] == "ok"
    client.force_login(User.objects.create_user("former", is_staff=True, is_active=False))
    assert answer(client) == (200, "ok")


def test_it_may_only_be_read(database: Database) -> None:
    assert Client().post("/healthz").status_code == 405
    response = Client().head("/healthz")
    assert (response.status_code, response.content) == (503, b"")


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_it_answers_over_http_too(database: Database) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("django.conf.settings.SECURE_SSL_REDIRECT", True)
        assert Client().get("/healthz").status_code == 503
        assert Client().get("/admin/").status_code == 301


def test_no_database(
    own_database: Database,
    own_cluster: PostgresCluster,
    processes: Processes,
) -> None:
    client = Client()
    client.force_login(User.objects.create_user("ranger", is_staff=True))
    own_cluster.stop()
    program = processes.manage("health", env=own_database.env)
    assert program.wait(STARTING) == 2
    (line,) = program.text().splitlines()
    assert line.startswith("CRITICAL: no database: ")
    assert "refused" in line
    assert answer(client) == (503, "critical")


def test_a_database_that_may_not_be_read(
    own_database: Database, own_cluster: PostgresCluster, processes: Processes
) -> None:
    """That is no lack of migrations, though it is the same kind of error to Django."""
    with own_cluster.connect() as server:
        server.execute("CREATE ROLE stranger LOGIN")
    url = own_database.url.replace(f"//{USER}@", "//stranger@")
    program = processes.manage("health", env=own_database.env | {"DATABASE_URL": url})
    assert program.wait(STARTING) == 2
    (line,) = program.text().splitlines()
    assert line.startswith("CRITICAL: no database: permission denied for table ")


def test_a_database_that_does_not_answer(
    own_database: Database,
    own_cluster: PostgresCluster,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    client = Client()
    client.force_login(User.objects.create_user("ranger", is_staff=True))
    all_is_well()
    own_cluster.freeze()
    began = time.monotonic()
    assert health(capsys) == (2, "CRITICAL: no database: no answer within 4 s")
    assert answer(client) == (503, "critical")
    assert time.monotonic() - began < 3 * examination.PATIENCE + 5
    own_cluster.thaw()
    wait_until(lambda: answer(client)[0] == 200, timeout=STARTING, message="all is well again")


def test_a_database_that_does_not_answer_keeps_no_crowd_waiting(
    own_database: Database, own_cluster: PostgresCluster
) -> None:
    """They wait once, together, and from then on nobody does for long."""
    own_cluster.freeze()
    threads = threading.active_count()
    with ThreadPoolExecutor(12) as crowd:
        for longest in (examination.PATIENCE, examination.ONCE_LATE):
            began = time.monotonic()
            for answered in [crowd.submit(answer, Client()) for _ in range(12)]:
                assert answered.result() == (503, "critical")
            assert time.monotonic() - began < longest + SLACK
            wait_until(
                lambda: threading.active_count() <= threads + 12 + 1,
                timeout=STARTING,
                message="there is no crowd of threads",
            )
    own_cluster.thaw()
