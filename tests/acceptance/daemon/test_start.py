"""How the daemon starts: no database yet, no tables yet, another daemon already there."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from django.db import connection

from birdwatcher.nodes.models import Node
from tests.support.daemon import Daemon
from tests.support.databases import POSTGRESQL, SQLITE, Database, migrate
from tests.support.fieldnode import FieldNode
from tests.support.park import Park
from tests.support.postgres import PostgresCluster
from tests.support.waiting import STARTING, stays_true, wait_until

WAITS = "no database: .*; next try in"


def refuses(daemon: Daemon, pattern: str) -> None:
    """Check that the daemon ends with an error, and with one sentence, which matches `pattern`."""
    assert daemon.wait(STARTING) > 0
    lines = daemon.text().splitlines()
    assert len(lines) == 1, lines
    assert re.search(pattern, lines[0])


def test_missing_migrations_are_named(
    blank_database: Database, start_daemon: Callable[..., Daemon]
) -> None:
    daemon = start_daemon(blank_database, up=False)
    refuses(daemon, re.escape("./manage.py migrate"))


def test_daemon_starts_after_migrating(
    blank_database: Database, start_daemon: Callable[..., Daemon]
) -> None:
    start_daemon(blank_database, up=False).wait(STARTING)
    migrate(blank_database)
    daemon = start_daemon(blank_database)
    assert daemon.counts() == (0, 0)


def test_daemon_waits_for_the_database(
    own_cluster: PostgresCluster,
    own_database: Database,
    start_daemon: Callable[..., Daemon],
    field_node: Callable[..., FieldNode],
    tmp_path: Path,
) -> None:
    """First there is no server, then no database on it, then all is well."""
    field = field_node()
    Node.objects.create(name="Dartmoor", ip_address=field.host, port=field.port)
    connection.close()
    own_cluster.stop()

    daemon = start_daemon(Database(POSTGRESQL, own_cluster.url("later"), tmp_path), up=False)
    daemon.wait_for_line(WAITS)
    stays_true(lambda: daemon.exit_code is None, seconds=3, message="the daemon waits")
    own_cluster.start()
    stays_true(lambda: daemon.exit_code is None, seconds=3, message="the daemon waits")
    assert not field.connections()
    own_cluster.create_database("later", template="birds")
    wait_until(field.connected, timeout=STARTING, message=lambda: daemon.text())
    assert "Traceback" not in daemon.text()


def test_daemon_that_waits_can_be_stopped(
    own_cluster: PostgresCluster, start_daemon: Callable[..., Daemon], tmp_path: Path
) -> None:
    daemon = start_daemon(Database(POSTGRESQL, own_cluster.url("never"), tmp_path), up=False)
    daemon.wait_for_line(WAITS)
    assert daemon.stop() == 0


def test_second_daemon_refuses(park: Park, start_daemon: Callable[..., Daemon]) -> None:
    station = park.add("Dartmoor")
    database = park.database
    second = start_daemon(database, up=False)
    refuses(second, "(?i)already|another")
    assert station.field.accepted == 1
    assert station.field.connected()
    park.bystander_noticed_nothing()


@pytest.mark.parametrize("database", [SQLITE], indirect=True)
def test_second_daemon_with_another_state_directory_refuses(
    park: Park, start_daemon: Callable[..., Daemon], tmp_path: Path
) -> None:
    second = start_daemon(park.database, up=False, BIRDWATCHER_STATE_DIR=str(tmp_path / "other"))
    refuses(second, "(?i)already|another")
    park.bystander_noticed_nothing()


def test_next_daemon_takes_over(park: Park, start_daemon: Callable[..., Daemon]) -> None:
    station = park.add("Dartmoor")
    assert park.daemon.stop() == 0
    wait_until(lambda: not station.field.connections(), timeout=5, message="disconnected")
    start_daemon(park.database)
    wait_until(station.field.connected, timeout=15, message="the next daemon is connected")
    station.field.send(5)
    station.wait_for_birds()
