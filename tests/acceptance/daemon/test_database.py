"""The database goes away while the daemon runs, and comes back."""

from collections.abc import Callable

import psutil
import pytest
from django.db import connection, transaction
from django.db.migrations.recorder import MigrationRecorder

from birdwatcher.birds.models import Bird
from tests.support.daemon import Daemon
from tests.support.databases import SQLITE, Database
from tests.support.fieldnode import FieldNode
from tests.support.park import Park
from tests.support.postgres import PostgresCluster
from tests.support.waiting import Promise, stays_true, wait_until


@pytest.mark.parametrize("immediate", [False, True], ids=["in order", "at once"])
def test_server_is_restarted(
    own_cluster: PostgresCluster,
    own_database: Database,
    start_daemon: Callable[..., Daemon],
    field_node: Callable[..., FieldNode],
    promise: Promise,
    immediate: bool,
) -> None:
    park = Park(own_database, start_daemon(own_database), field_node, promise)
    station = park.add("Dartmoor")
    peers = station.field.peers()
    station.field.send(50)
    station.wait_for_birds()
    connection.close()
    own_cluster.stop(immediate=immediate)
    station.field.send(50)
    stays_true(station.field.connected, seconds=3, message="the node stays connected")
    station.field.send(50)
    own_cluster.start()
    station.field.send(50)
    station.wait_for_birds()
    assert station.field.peers() == peers
    assert "Traceback" not in park.daemon.text()
    # The new session follows the node table too.
    park.add("Exmoor")
    park.bystander_noticed_nothing()


def test_database_lacks_a_migration_for_a_while(park: Park) -> None:
    """As while a dump is restored: a daemon that runs waits, and its nodes stay connected."""
    station = park.add("Dartmoor")
    peers = station.field.peers()
    done = MigrationRecorder(connection)
    (last,) = done.migration_qs.filter(app="birds").order_by("-pk")[:1]
    done.record_unapplied(last.app, last.name)
    writer = park.daemon.writer()
    assert writer is not None
    psutil.Process(writer).kill()
    station.field.send(50)
    park.daemon.wait_for_line("no database: The database lacks a migration")
    station.field.send(50)
    done.record_applied(last.app, last.name)
    station.wait_for_birds()
    assert station.field.peers() == peers
    park.bystander_noticed_nothing()


@pytest.mark.parametrize("database", [SQLITE], indirect=True)
def test_database_is_locked_for_long(park: Park) -> None:
    """Longer than the writer waits for the lock in one go."""
    station = park.add("Dartmoor")
    with transaction.atomic():
        # Django begins transactions on SQLite with the lock for writing, and this one keeps it.
        assert not Bird.objects.filter(node=station.node).exists()
        station.field.send(50)
        stays_true(station.field.connected, seconds=7, message="the node stays connected")
        assert not Bird.objects.filter(node=station.node).exists()
    station.field.send(50)
    station.wait_for_birds()
    assert station.field.accepted == 1
    park.bystander_noticed_nothing()


def test_nodes_are_edited_while_birds_stream(park: Park) -> None:
    """The writer and the web write at the same time, and neither is refused."""
    station = park.add("Dartmoor")
    for number in range(40):
        station.field.send(20)
        station.change(name=f"Dartmoor {number}")
    station.wait_for_birds()
    wait_until(
        lambda: park.daemon.name_of(station.id) == "Dartmoor 39",
        timeout=10,
        message="the last name has arrived",
    )
    assert station.field.accepted == 1
    assert "locked" not in park.daemon.text()
    park.bystander_noticed_nothing()
