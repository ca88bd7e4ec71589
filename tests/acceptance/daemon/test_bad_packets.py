"""Packets that do worse than break a rule: they stall, or kill whoever reads them."""

import contextlib
from collections.abc import Callable

import pytest

from birdwatcher.birds.models import Bird
from birdwatcher.nodes.models import Node, NodeStatus, RejectedPacket
from nodeproc.wire.reasons import Reason
from tests.support.daemon import Daemon
from tests.support.databases import Database
from tests.support.fieldnode import FieldNode
from tests.support.killer import DEADLY
from tests.support.packets import encode, numbered, packet
from tests.support.park import Park
from tests.support.processes import Processes
from tests.support.waiting import STARTING, Promise, wait_until


def rejected(node: Node) -> int:
    status = NodeStatus.objects.filter(node=node).first()
    return status.rejected if status else 0


def test_packet_that_stalls_half_way_is_given_up(
    park: Park, start_daemon: Callable[..., Daemon]
) -> None:
    assert park.daemon.stop() == 0
    park.daemon = start_daemon(park.database, BIRDWATCHER_STALL_TIMEOUT="1")
    station = park.add("Dartmoor")
    station.field.send(3)
    station.field.send_raw(encode(numbered(99))[:-10])
    park.daemon.wait_for_line("a packet stalled half-way for 1 s")
    park.wait_until_connected(station)
    wait_until(lambda: rejected(station.node) == 1, timeout=10, message="it is counted")
    station.field.send(3)
    station.wait_for_birds()


def test_a_packet_that_comes_byte_by_byte_is_given_up(
    park: Park, start_daemon: Callable[..., Daemon]
) -> None:
    assert park.daemon.stop() == 0
    park.daemon = start_daemon(park.database, BIRDWATCHER_PACKET_TIMEOUT="1")
    station = park.add("Dartmoor")
    station.field.send(3)
    (connection,) = station.field.connections()
    bytes_of_it = iter(encode(numbered(99)))

    def given_up() -> bool:
        with contextlib.suppress(OSError):  # it is closed before the log says so
            connection.sendall(bytes([next(bytes_of_it)]))
        return "a packet took more than 1 s to arrive" in park.daemon.text()

    wait_until(given_up, timeout=10, message=park.daemon.text)
    park.wait_until_connected(station)
    wait_until(lambda: rejected(station.node) == 1, timeout=10, message="it is counted")
    assert RejectedPacket.objects.get(node=station.node).reason == Reason.STALLED
    station.wait_for_birds()


def test_silence_between_packets_is_no_stall(
    park: Park, start_daemon: Callable[..., Daemon]
) -> None:
    assert park.daemon.stop() == 0
    park.daemon = start_daemon(park.database, BIRDWATCHER_STALL_TIMEOUT="0.2")
    quiet, stalling = park.add("Dartmoor"), park.add("Exmoor")
    quiet.field.send(3)
    quiet.wait_for_birds()
    peers = quiet.field.peers()
    for _ in range(2):  # each takes as long as silence would have to be bad
        before = stalling.field.accepted
        stalling.field.send_raw(encode(numbered(99))[:-10])
        wait_until(
            lambda: stalling.field.connected() and stalling.field.accepted > before,  # noqa: B023
            timeout=STARTING,
            message="the other is given up, and connected anew",
        )
        park.wait_until_connected(stalling)
    assert quiet.field.peers() == peers


@pytest.fixture
def mortal_daemon(database: Database, processes: Processes) -> Daemon:
    """A daemon whose node processes die of `DEADLY`."""
    env = database.env | {"DJANGO_SETTINGS_MODULE": "birdwatcher.settings"}
    daemon = processes.python("-m", "tests.support.killer", env=env, kind=Daemon)
    assert isinstance(daemon, Daemon)
    daemon.wait_until_up()
    return daemon


def test_packet_that_kills_its_process_twice_is_rejected_unread(
    mortal_daemon: Daemon, field_node: Callable[..., FieldNode]
) -> None:
    field = field_node()
    node = Node.objects.create(name="Dartmoor", ip_address=field.host, port=field.port)
    deadly = packet(f'{{"species": "{DEADLY}"}}'.encode())
    for death in (1, 2):
        wait_until(
            lambda: field.connected() and field.accepted == death,  # noqa: B023
            timeout=STARTING,
            message="it is connected",
        )
        field.send_raw(deadly)
        mortal_daemon.wait_for_line(r"(?s)" + ".*".join(["killed by SIGABRT"] * death))
    mortal_daemon.wait_for_line("killed its process; it will be rejected unread")
    wait_until(
        lambda: field.connected() and field.accepted == 3,
        timeout=STARTING,
        message="it is connected again",
    )
    field.send_raw(deadly)
    field.send(5)
    wait_until(lambda: rejected(node) == 1, timeout=10, message="it is rejected")
    wait_until(lambda: node.birds.count() == 5, timeout=10, message="the stream goes on")
    assert mortal_daemon.nodes()[node.pk].state == "connected"


def test_node_whose_process_crashes_at_start_slows_no_other(
    mortal_daemon: Daemon, field_node: Callable[..., FieldNode], promise: Promise
) -> None:
    doomed = Node.objects.create(name=DEADLY, ip_address="127.0.0.1", port=1)
    mortal_daemon.wait_for_line(r"(?s)" + ".*".join(["killed by SIGABRT"] * 3))
    fields = [field_node() for _ in range(5)]
    for number, field in enumerate(fields):
        Node.objects.create(name=f"Node {number}", ip_address=field.host, port=field.port)
    promise(
        "added beside one that crashes, nodes are connected",
        lambda: all(field.connected() for field in fields),
    )
    for field in fields:
        field.send(10)
    wait_until(lambda: Bird.objects.count() == 50, timeout=20, message="their birds arrive")
    assert NodeStatus.objects.get(node=doomed).state == "crashed"
    assert "SIGABRT" in NodeStatus.objects.get(node=doomed).last_error
    doomed.delete()
    assert mortal_daemon.stop() == 0
