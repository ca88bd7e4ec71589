"""Nodes that refuse, drop, vanish, never answer; and nodes on IPv6."""

import contextlib
import socket
from collections.abc import Callable, Iterator

import pytest

from birdwatcher.nodes.models import Node, NodeStatus
from nodeproc.states import NodeState
from tests.support.databases import SQLITE
from tests.support.park import Park, Station
from tests.support.ports import PortBlock
from tests.support.waiting import stays_true, wait_until

# The network is the same on either database, and takes its time.
pytestmark = pytest.mark.parametrize("database", [SQLITE], indirect=True)

RETURNING = 5.0  # seconds after its return, in which a node is promised to be connected
NOTICING = 30.0  # seconds in which a peer that vanished is promised to be noticed


def comes_back(park: Park, station: Station, what: str) -> None:
    """Check that the node, which listens again, is connected and sends birds."""
    park.promise(f"{what}: connected after it returned", station.field.connected, within=RETURNING)
    station.field.send(5)
    station.wait_for_birds()
    park.bystander_noticed_nothing()


def backs_off(park: Park, node: int) -> None:
    """Wait until the node is known to be out of reach, with the reason."""
    status = NodeStatus.objects.filter(node_id=node, state=NodeState.BACKING_OFF)
    wait_until(
        lambda: status.exclude(last_error="").exists(),
        timeout=15,
        message=lambda: f"node {node} backs off; {park.daemon.titles()}",
    )


def test_node_that_refuses(park: Park) -> None:
    station = park.add("Dartmoor")
    station.field.send(5)
    station.wait_for_birds()
    process = park.daemon.nodes()[station.id].pid
    station.field.refuse()
    station.field.drop()
    backs_off(park, station.id)
    # Long enough for the back-off to reach its longest pauses.
    stays_true(
        lambda: park.daemon.state(station.id) in {NodeState.BACKING_OFF, NodeState.CONNECTING},
        seconds=6,
        message="the node is tried again and again",
    )
    station.field.listen()
    comes_back(park, station, "a node that refused")
    assert park.daemon.nodes()[station.id].pid == process


def test_node_that_was_never_there(park: Park, ports: PortBlock) -> None:
    node = Node.objects.create(name="Nowhere", ip_address="127.0.0.1", port=ports.take())
    backs_off(park, node.pk)
    park.bystander_noticed_nothing()


def test_node_that_is_unroutable(park: Park) -> None:
    # Addresses from 240.0.0.0 up are reserved: no system sends anything there.
    node = Node.objects.create(name="Nowhere", ip_address="240.0.0.1", port=9999)
    backs_off(park, node.pk)
    park.bystander_noticed_nothing()


@pytest.mark.parametrize("how", ["drop", "reset"])
def test_node_that_ends_the_connection(park: Park, how: str) -> None:
    station = park.add("Dartmoor")
    process = park.daemon.nodes()[station.id].pid
    station.field.send(5)
    station.wait_for_birds()
    getattr(station.field, how)()
    wait_until(
        lambda: station.field.connected() and station.field.accepted == 2,
        timeout=RETURNING + 10,
        message="the node is connected again",
    )
    comes_back(park, station, f"connection {how}")
    assert park.daemon.nodes()[station.id].pid == process
    wait_until(
        lambda: NodeStatus.objects.get(node_id=station.id).reconnects == 1,
        timeout=10,
        message="the reconnect is counted",
    )


def test_node_that_flaps(park: Park) -> None:
    station = park.add("Dartmoor")
    process = park.daemon.nodes()[station.id].pid
    for _ in range(5):
        station.field.send(2)
        station.wait_for_birds()
        station.field.reset()
        wait_until(station.field.connected, timeout=20, message="the node is connected again")
    comes_back(park, station, "a node that flaps")
    assert park.daemon.nodes()[station.id].pid == process


def test_node_that_vanishes_without_a_word(park: Park) -> None:
    """The node loses its power: nobody tells the daemon that the connection is gone."""
    station = park.add("Dartmoor")
    station.field.send(5)
    station.wait_for_birds()
    station.field.vanish()
    assert park.daemon.connected_to(station.field.port), "the daemon was told after all"
    park.promise(
        "a vanished node is noticed",
        lambda: not park.daemon.connected_to(station.field.port),
        within=NOTICING,
    )
    backs_off(park, station.id)
    station.field.come_back()
    comes_back(park, station, "a node that vanished")


@contextlib.contextmanager
def full_queue(port: int) -> Iterator[Callable[[], None]]:
    """Listen without ever accepting: the system drops whatever more comes. Yields the cure."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen(0)
        for _ in range(3):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(("127.0.0.1", port))
        yield stack.close


def test_node_that_never_answers(park: Park) -> None:
    station = park.add("Dartmoor", enabled=False)
    station.field.refuse()
    with full_queue(station.field.port) as cure:
        station.change(enabled=True)
        backs_off(park, station.id)
        park.bystander_noticed_nothing()
        cure()
    station.field.listen()
    comes_back(park, station, "a node that never answered")


@pytest.mark.usefixtures("ipv6")
def test_node_on_ipv6(park: Park) -> None:
    station = park.add("Dartmoor", host="::1")
    station.field.send(5)
    station.wait_for_birds()
    process = park.daemon.nodes()[station.id]
    assert process.address == f"[::1]:{station.field.port}"
    assert process.pid in park.daemon.connected_to(station.field.port, "::1")
    station.field.drop()
    comes_back(park, station, "a node on IPv6")


def test_silent_node_stays_connected(park: Park) -> None:
    station = park.add("Dartmoor")
    peers = station.field.peers()
    stays_true(station.field.connected, seconds=3, message="a silent node stays connected")
    assert station.field.peers() == peers


def test_node_is_moved_away_from_an_address_that_does_not_answer(park: Park) -> None:
    """It need not wait for the attempt under way, and its process goes on."""
    station = park.add("Dartmoor")
    elsewhere = park.add("Exmoor", enabled=False)
    port = elsewhere.field.port
    elsewhere.node.delete()
    station.field.vanish()
    station.change(port=port)  # away, and back to where nobody answers
    wait_until(elsewhere.field.connected, timeout=15, message="it is connected elsewhere")
    process = park.daemon.nodes()[station.id].pid
    station.change(port=station.field.port)
    wait_until(
        lambda: park.daemon.state(station.id) in {NodeState.CONNECTING, NodeState.BACKING_OFF},
        timeout=15,
        message="it gets no answer",
    )
    station.change(port=port)
    park.promise("a node moved while connecting is connected", elsewhere.field.connected)
    assert park.daemon.nodes()[station.id].pid == process
    park.bystander_noticed_nothing()
