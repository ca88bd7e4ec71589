"""The node table is edited while the daemon runs."""

import time

import psycopg
import pytest
from django.db import connection
from django.utils import timezone

from birdwatcher.birds.models import Bird
from birdwatcher.daemon.models import Daemon, DaemonProcess
from birdwatcher.nodes import actions, rates
from birdwatcher.nodes.models import Node, NodeStatus, StatusChange
from birdwatcher.writer.heartbeat import HEARTBEAT
from supervisor import VERSION
from supervisor.observer import USAGE_INTERVAL
from tests.support.databases import POSTGRESQL
from tests.support.park import Park
from tests.support.processes import is_alive
from tests.support.waiting import STARTING, wait_until


def test_added_node_is_connected(park: Park) -> None:
    station = park.add("Dartmoor", connected=False)
    park.promise("an added node is connected", station.field.connected)
    station.field.send(5)
    station.wait_for_birds()
    park.bystander_noticed_nothing()


@pytest.mark.parametrize("database", [POSTGRESQL], indirect=True)
def test_node_added_while_the_writer_waits_for_a_lock_is_connected(park: Park) -> None:
    """The notification then comes along with the answer to another statement."""
    with psycopg.connect(park.database.url) as other:
        # What the writer signs every few seconds.
        other.execute("SELECT * FROM writer_daemon FOR UPDATE")
        wait_until(a_session_is_held_up, timeout=3 * HEARTBEAT, message="the writer is held up")
        station = park.add("Dartmoor", connected=False)
    released = time.monotonic()
    park.promise("an added node is connected", station.field.connected)
    # At its next signature the writer looks again in any case, and that would be too late.
    assert time.monotonic() - released < HEARTBEAT * 0.9
    park.bystander_noticed_nothing()


def a_session_is_held_up() -> bool:
    """Whether any session waits for a lock that another one holds."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return cursor.fetchone() is not None


def test_enabled_node_is_connected(park: Park) -> None:
    station = park.add("Dartmoor", enabled=False)
    # Something later in the table is done: so the disabled node was seen, and left alone.
    park.add("Exmoor")
    assert station.field.accepted == 0
    assert station.id not in park.daemon.nodes()
    station.change(enabled=True)
    park.promise("an enabled node is connected", station.field.connected)
    park.bystander_noticed_nothing()


def test_disabled_node_is_disconnected_and_keeps_its_birds(park: Park) -> None:
    station = park.add("Dartmoor")
    station.field.send(5)
    station.wait_for_birds()
    process = park.daemon.nodes()[station.id].pid
    station.change(enabled=False)
    park.promise("a disabled node is disconnected", lambda: not station.field.connections())
    park.promise("a disabled node's process ends", lambda: not is_alive(process))
    station.wait_for_birds()
    assert station.field.accepted == 1
    park.bystander_noticed_nothing()


def test_a_restarted_node_has_a_new_process_and_loses_nothing(park: Park) -> None:
    station = park.add("Dartmoor")
    station.field.send(5)
    station.wait_for_birds()
    before = park.daemon.nodes()[station.id].pid
    actions.restart([station.node])
    park.promise(
        "a restarted node has a new process",
        lambda: (now := park.daemon.nodes().get(station.id)) and now.pid != before,
    )
    assert not is_alive(before)
    park.wait_until_connected(station)
    assert station.field.accepted == 2
    station.field.send(5)
    station.wait_for_birds()
    states = StatusChange.objects.filter(node=station.id).order_by("pk")
    assert "stopped" in states.values_list("state", flat=True)
    assert "crashed" not in states.values_list("state", flat=True)
    park.bystander_noticed_nothing()


def test_deleted_node_is_disconnected(park: Park) -> None:
    station = park.add("Dartmoor")
    station.field.send(5)
    station.wait_for_birds()
    process = park.daemon.nodes()[station.id].pid
    station.node.delete()
    park.promise("a deleted node is disconnected", lambda: not station.field.connections())
    park.promise("a deleted node's process ends", lambda: not is_alive(process))
    assert station.field.accepted == 1
    park.bystander_noticed_nothing()


def test_node_is_deleted_with_events_in_flight(park: Park) -> None:
    """Whoever deletes it and the writer meet at the same rows: neither may fail, or wait long."""
    for number in range(8):
        station = park.add(f"Dartmoor {number}")
        node = station.id
        for _ in range(20):
            station.field.send(50)
        station.node.delete()
        wait_until(
            lambda: node not in park.daemon.nodes(),  # noqa: B023
            timeout=10,
            message="the node's process ends",
        )
        park.bystander_noticed_nothing()
        assert not Bird.objects.filter(node_id=node).exists()
        assert not Node.objects.filter(pk=node).exists()
    assert "deadlock" not in park.daemon.text()


def test_changed_port_moves_the_connection(park: Park) -> None:
    station = park.add("Dartmoor")
    old = station.field
    old.send(5)
    # The new place listens already, as another node that is disabled, so its port is known.
    new = park.add("Later", enabled=False)
    new.node.delete()
    station.change(port=new.field.port)
    park.promise("after a change of port the old connection ends", lambda: not old.connections())
    park.promise("after a change of port the new one is up", new.field.connected)
    new.field.send(5)
    # Both places count from the same number: the node has every event twice, once from each.
    station.field.sent += new.field.sent
    station.wait_for_birds()
    assert old.accepted == 1
    park.bystander_noticed_nothing()


def test_changed_address_moves_the_connection(park: Park) -> None:
    station = park.add("Dartmoor")
    old = station.field
    new = park.add("Later", host="127.0.0.2", enabled=False)
    new.node.delete()
    station.change(ip_address=new.field.host, port=new.field.port)
    park.promise("after a change of address the old connection ends", lambda: not old.connections())
    park.promise("after a change of address the new one is up", new.field.connected)
    assert old.accepted == 1
    park.bystander_noticed_nothing()


def test_renamed_node_keeps_its_connection(park: Park) -> None:
    station = park.add("Dartmoor")
    peers = station.field.peers()
    station.field.send(5)
    station.change(name="Þingvellir")
    park.promise(
        "a renamed node has its new title",
        lambda: park.daemon.name_of(station.id) == "Þingvellir",
    )
    station.field.send(5)
    station.wait_for_birds()
    assert station.field.peers() == peers
    assert station.field.accepted == 1
    park.bystander_noticed_nothing()


def test_node_is_edited_again_and_again(park: Park) -> None:
    station = park.add("Dartmoor")
    for number in range(5):
        station.change(enabled=False)
        station.change(enabled=True, name=f"Dartmoor {number}")
    wait_until(
        lambda: park.daemon.name_of(station.id) == "Dartmoor 4",
        timeout=STARTING,
        message="the last edit has arrived",
    )
    park.wait_until_connected(station)
    station.field.send(5)
    station.wait_for_birds()
    park.bystander_noticed_nothing()


def test_the_database_tells_of_every_process_and_of_the_last_minutes(park: Park) -> None:
    station = park.add("Dartmoor")
    station.field.send(7)
    station.wait_for_birds()
    status = NodeStatus.objects.get(node=station.id)
    assert sum(rates.per_minute(status, timezone.now())) == 7
    titles = park.daemon.titles()
    wait_until(
        lambda: set(DaemonProcess.objects.values_list("pid", flat=True)) == set(titles),
        timeout=3 * USAGE_INTERVAL,
        message=lambda: f"{list(DaemonProcess.objects.values_list())}, {titles}",
    )
    own = DaemonProcess.objects.get(node=station.id)
    assert (own.role, own.pid) == ("node", park.daemon.nodes()[station.id].pid)
    assert own.resident_bytes > 1_000_000
    daemon = Daemon.current()
    assert daemon.version == VERSION
    park.daemon.stop()
    assert not DaemonProcess.objects.exists()
