"""What the daemon tells of itself agrees with what it does."""

import math
import socket
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from birdwatcher.daemon.models import Daemon as DaemonRow
from birdwatcher.nodes.models import Node, NodeStatus
from tests.support.daemon import Daemon
from tests.support.databases import SQLITE, Database
from tests.support.fieldnode import FieldNode
from tests.support.outage import write_locked
from tests.support.packets import packet
from tests.support.park import CONNECTING, Park
from tests.support.ports import PortBlock
from tests.support.processes import Processes
from tests.support.scrape import Metrics, ask
from tests.support.waiting import STARTING, Promise, wait_until

TOLD = 30.0  # seconds: what waits is measured once a second, the summary written every five
GARBAGE = packet(b"no bird") * 3


@pytest.fixture
def endpoint(tmp_path: Path) -> Path:
    return tmp_path / "metrics.sock"


@pytest.fixture
def park(
    database: Database,
    endpoint: Path,
    start_daemon: Callable[..., Daemon],
    field_node: Callable[..., FieldNode],
    promise: Promise,
) -> Park:
    """A daemon with metrics, and its bystander."""
    daemon = start_daemon(database, BIRDWATCHER_METRICS=f"unix:{endpoint}")
    return Park(database, daemon, field_node, promise)


def wait_for(endpoint: Path, condition: Callable[[Metrics], bool], what: str) -> Metrics:
    """Ask until `condition` is true of the metrics; return them."""

    def ask_once() -> Metrics | None:
        metrics = Metrics(endpoint)
        return metrics if condition(metrics) else None

    found = wait_until(
        ask_once, timeout=TOLD, message=lambda: f"{what}: {Metrics(endpoint).values}"
    )
    assert found
    return found


def nothing_waits(it: Metrics) -> bool:
    """Whether all that was received is committed; each number is told on its own."""
    waits = ("events_retained", "events_spooled", "spool_bytes", "oldest_uncommitted_seconds")
    return not any(map(it, waits))


def test_the_numbers_agree_with_the_database(park: Park, endpoint: Path) -> None:
    station = park.add("Dartmoor")
    node = str(station.id)
    station.field.send(250)
    station.field.send_raw(GARBAGE)
    station.field.send(50)
    station.wait_for_birds()
    wait_until(
        lambda: NodeStatus.objects.get(node=station.node).rejected == 3,
        timeout=TOLD,
        message="three packets are rejected",
    )
    metrics = wait_for(endpoint, nothing_waits, "nothing waits")
    assert metrics("node_events_received_total", node=node) == 300
    assert metrics("node_packets_rejected_total", node=node) == 3
    assert metrics("node_connections_total", node=node) == 1
    assert metrics("node_connected", node=node, name="Dartmoor") == 1
    assert metrics("node_state", node=node, name="Dartmoor", state="connected") == 1
    assert metrics("events_committed_total") == metrics("events_received_total") == 300
    assert metrics("rejections_committed_total") == metrics("packets_rejected_total") == 3
    assert metrics("commit_events_sum") == 300
    assert metrics("commit_events_count") == metrics("commit_seconds_count") > 0
    assert metrics("nodes", state="connected") == 2
    assert metrics("oldest_uncommitted_seconds") == 0


def test_every_process_is_told_of(park: Park, endpoint: Path) -> None:
    metrics = Metrics(endpoint)
    for pid, title in park.daemon.titles().items():
        kind = title.split()[1]
        node = title.split()[2] if kind == "node" else ""
        labels = {"process": kind, "node": node}
        resident = psutil.Process(pid).memory_info().rss
        told = metrics("process_resident_memory_bytes", **labels)
        assert 0.5 * resident < told < 2 * resident
        assert 3 <= metrics("process_open_fds", **labels) < 100
        assert metrics("process_cpu_seconds_total", **labels) >= 0


def test_an_outage_shows_and_passes(park: Park, endpoint: Path) -> None:
    station = park.add("Dartmoor")
    node = str(station.id)
    with write_locked(park.database):
        station.field.send(100)
        wait_for(endpoint, lambda it: it("node_events_spooled", node=node) == 100, "spooled")
        metrics = wait_for(endpoint, lambda it: it("oldest_uncommitted_seconds") > 2, "old")
        assert metrics("node_events_received_total", node=node) == 100
        assert metrics("node_events_retained", node=node) == 0
        assert metrics("spool_bytes") == metrics("node_spool_bytes", node=node) > 1000
        station.field.send(20)
        wait_for(
            endpoint,
            lambda it: it("events_retained") + it("events_spooled") == 120,
            "all of it waits",
        )
    station.wait_for_birds()
    metrics = wait_for(endpoint, nothing_waits, "nothing waits")
    assert metrics("oldest_uncommitted_seconds") == 0
    assert metrics("events_committed_total") == 120


def test_the_totals_go_on_over_processes_and_nodes_that_are_no_more(
    park: Park, endpoint: Path
) -> None:
    station = park.add("Dartmoor")
    node = str(station.id)
    station.field.send(100)
    station.wait_for_birds()
    killed = park.daemon.nodes()[station.id].pid
    writer = park.daemon.writer()
    assert writer
    psutil.Process(killed).kill()
    psutil.Process(writer).kill()
    wait_until(
        lambda: (
            park.daemon.connected_anew(station.id, killed)
            and park.daemon.writer() not in {None, writer}
        ),
        timeout=CONNECTING,
        message="both have a new process",
    )
    park.wait_until_connected(station)
    station.field.send(50)
    station.wait_for_birds()
    metrics = Metrics(endpoint)
    assert metrics("node_events_received_total", node=node) == 150
    assert metrics("node_connections_total", node=node) == 2
    assert metrics("process_restarts_total", process="node") == 1
    assert metrics("process_restarts_total", process="writer") == 1
    # A writer that is killed behind a commit has no time to count it.
    assert 150 >= metrics("events_committed_total") >= 50
    station.change(enabled=False)
    metrics = wait_for(
        endpoint,
        lambda it: math.isnan(it("node_events_received_total", node=node)),
        "the node is no more",
    )
    assert metrics("events_received_total") == 150
    assert metrics("nodes", state="connected") == 1


@pytest.mark.parametrize("database", [SQLITE], indirect=True)
def test_a_process_that_could_not_be_started_took_nobody_s_place(
    database: Database,
    endpoint: Path,
    start_daemon: Callable[..., Daemon],
    field_node: Callable[..., FieldNode],
) -> None:
    """The supervisor has no descriptor left for a while, when both processes are to be replaced."""
    field = field_node()
    node = Node.objects.create(name="Dartmoor", ip_address=field.host, port=field.port)
    daemon = start_daemon(database, BIRDWATCHER_METRICS=f"unix:{endpoint}")
    wait_until(lambda: daemon.state(node.pk) == "connected", timeout=CONNECTING, message="up")
    writer = daemon.writer()
    assert writer
    before = daemon.process.rlimit(psutil.RLIMIT_NOFILE)
    daemon.process.rlimit(psutil.RLIMIT_NOFILE, (3, before[1]))
    for pid in (writer, daemon.nodes()[node.pk].pid):
        psutil.Process(pid).kill()
    for kind in ("writer", "process"):
        daemon.wait_for_line(f"cannot start a {kind}: no more descriptors are allowed")
    daemon.process.rlimit(psutil.RLIMIT_NOFILE, before)
    wait_until(
        lambda: daemon.writer() and daemon.state(node.pk) == "connected",
        timeout=STARTING,
        message=lambda: f"both have a new process; {daemon.titles()}",
    )
    metrics = Metrics(endpoint)
    assert metrics("process_restarts_total", process="node") == 1
    assert metrics("process_restarts_total", process="writer") == 1


def test_the_row_of_the_daemon_tells_how_it_does(park: Park, processes: Processes) -> None:
    station = park.add("Dartmoor")
    station.field.send(10)
    station.wait_for_birds()

    def row() -> DaemonRow:
        return DaemonRow.objects.get()

    wait_until(
        lambda: (row().nodes, row().connected, row().backlog, row().spooled) == (2, 2, 0, 0),
        timeout=TOLD,
        message=lambda: str(vars(row())),
    )
    assert row().lag is None
    assert row().events_per_second is not None
    said = processes.run("health", env=park.database.env)
    assert said.startswith("OK: 2 nodes, 2 connected; ")
    assert park.daemon.stop() == 0
    program = processes.manage("health", env=park.database.env)
    assert program.wait(STARTING) == 2
    assert program.text().startswith("CRITICAL: the daemon was stopped ")


@pytest.mark.parametrize("database", [SQLITE], indirect=True)
def test_the_socket_is_the_supervisor_s_alone_and_gone_at_the_end(
    park: Park, endpoint: Path
) -> None:
    """A child that held it would keep the next daemon from its address."""
    for child in park.daemon.children():
        paths = [connection.laddr for connection in child.net_connections(kind="unix")]
        assert str(endpoint) not in paths
    assert b"404 Not Found" in ask(endpoint, b"GET / HTTP/1.1\r\n\r\n")
    assert park.daemon.stop() == 0
    assert not endpoint.exists()


@pytest.mark.parametrize("database", [SQLITE], indirect=True)
def test_an_address_that_is_taken_is_refused_before_anything_is_forked(
    database: Database, start_daemon: Callable[..., Daemon], ports: PortBlock
) -> None:
    port = ports.take()
    address = f"127.0.0.1:{port}"
    with socket.create_server(("127.0.0.1", port)):
        daemon = start_daemon(database, up=False, BIRDWATCHER_METRICS=address)
        assert daemon.wait(STARTING) > 0
    (line,) = daemon.text().splitlines()
    assert line.endswith(f"Metrics cannot be served at {address}: address already in use.")
    assert start_daemon(database, BIRDWATCHER_METRICS=address).stop() == 0


@pytest.mark.parametrize("database", [SQLITE], indirect=True)
def test_the_socket_file_of_a_killed_daemon_is_replaced(
    park: Park, endpoint: Path, start_daemon: Callable[..., Daemon]
) -> None:
    park.daemon.process.kill()
    park.daemon.wait()
    assert endpoint.exists()
    start_daemon(park.database, BIRDWATCHER_METRICS=f"unix:{endpoint}")
    assert Metrics(endpoint)("start_time_seconds") > 0
