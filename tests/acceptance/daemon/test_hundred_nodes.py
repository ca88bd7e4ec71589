"""A hundred nodes start, stream, change and stop, and nothing of them is left."""

from collections.abc import Callable
from pathlib import Path

import pytest

from birdwatcher.nodes.models import Node
from tests.support.daemon import Daemon
from tests.support.databases import Database
from tests.support.fieldnode import FieldNode
from tests.support.park import Station
from tests.support.ports import PortBlock
from tests.support.waiting import STARTING, Promise, wait_until

COUNT = 100

# Seconds for a hundred nodes at once; what one alone is promised is tested elsewhere.
ALL = 60.0


def all_connected(stations: list[Station]) -> bool:
    """Whether every enabled station has one connection, and every other none."""
    return all(
        len(station.field.connections()) == int(station.node.enabled) for station in stations
    )


def descriptors_of(pid: int) -> int:
    """Return how many file descriptors a process has open."""
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def stream(stations: list[Station]) -> None:
    """Let every enabled station send a few birds, several times, all of them in between."""
    for _ in range(5):
        for station in stations:
            if station.node.enabled:
                station.field.send(4)


@pytest.fixture
def stations(database: Database, field_node: Callable[..., FieldNode]) -> list[Station]:
    """A hundred nodes that listen; not in the database yet."""
    fields = [field_node() for _ in range(COUNT)]
    return [
        Station(field, Node(name=f"Node {number}", ip_address=field.host, port=field.port))
        for number, field in enumerate(fields)
    ]


@pytest.mark.timeout(300)
def test_hundred_nodes(
    database: Database,
    stations: list[Station],
    start_daemon: Callable[..., Daemon],
    ports: PortBlock,
    promise: Promise,
) -> None:
    # At the end all are removed at once, which is followed after this wait.
    daemon = start_daemon(database, BIRDWATCHER_VANISHED_WAIT="0")
    descriptors = descriptors_of(daemon.pid)

    # Start and stream.
    for station in stations:
        station.node.save()
    promise("a hundred nodes are connected", lambda: all_connected(stations), within=ALL)
    wait_until(lambda: daemon.counts() == (COUNT, COUNT), timeout=STARTING, message="the title")
    processes = daemon.nodes().values()
    assert len(processes) == COUNT
    # The last one forked has inherited nothing of those before it.
    assert max(descriptors_of(process.pid) for process in processes) < 16
    # A node costs the supervisor two: its pipe, and its life.
    assert descriptors_of(daemon.pid) - descriptors <= 2 * COUNT
    stream(stations)

    # Change: a third gets a new name, a third a new port, a third is disabled.
    renamed, moved, disabled = stations[::3], stations[1::3], stations[2::3]
    for station in stations:
        station.wait_for_birds()
    peers = [station.field.peers() for station in renamed]
    for station in renamed:
        station.change(name=f"{station.node.name} B")
    for station in moved:
        station.field.refuse()
        station.field.port = ports.take()
        station.field.listen()
        station.change(port=station.field.port)
    for station in disabled:
        station.change(enabled=False)
    promise(
        "a hundred nodes are changed",
        lambda: all_connected(stations) and all(it.field.accepted == 2 for it in moved),
        within=ALL,
    )
    assert [station.field.peers() for station in renamed] == peers
    wait_until(
        lambda: daemon.counts() == (COUNT - len(disabled),) * 2,
        timeout=STARTING,
        message=lambda: daemon.title(),
    )
    stream(stations)
    for station in disabled:
        station.change(enabled=True)
    promise("a third of them is enabled again", lambda: all_connected(stations), within=ALL)
    stream(stations)
    for station in stations:
        station.wait_for_birds()

    # Remove: only the writer is left, and no descriptor more than before.
    Node.objects.all().delete()
    for station in stations:
        station.node.enabled = False
    promise("a hundred nodes are removed", lambda: all_connected(stations), within=ALL)
    wait_until(
        lambda: len(daemon.process.children()) == 1,
        timeout=STARTING,
        message=lambda: f"only the writer is left, no zombie: {daemon.titles()}",
    )
    wait_until(
        lambda: descriptors_of(daemon.pid) <= descriptors,
        timeout=STARTING,
        message=lambda: f"{descriptors} descriptors as before, now {descriptors_of(daemon.pid)}",
    )
    assert "Traceback" not in daemon.text()
    assert daemon.stop() == 0


@pytest.mark.timeout(300)
def test_hundred_nodes_stop_with_the_daemon(
    database: Database, stations: list[Station], start_daemon: Callable[..., Daemon]
) -> None:
    Node.objects.bulk_create([station.node for station in stations])
    daemon = start_daemon(database)
    wait_until(lambda: all_connected(stations), timeout=ALL, message="all are connected")
    stream(stations)
    for station in stations:
        station.wait_for_birds()
    assert daemon.stop() == 0
    # The fixtures see that no process and no zombie is left.
    assert not any(station.field.connections() for station in stations)
    assert "Traceback" not in daemon.text()
