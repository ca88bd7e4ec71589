"""A day in the life of the operator, step by step, from a blank database.

Connections are read from the system's own tables of sockets; only the admin's pages are used to
edit the nodes.
"""

import signal
from collections.abc import Callable

import pytest

from birdwatcher.birds.models import Bird
from tests.support.daemon import Daemon
from tests.support.databases import Database
from tests.support.ports import PortBlock
from tests.support.processes import Processes, Program
from tests.support.waiting import Promise, stays_true, wait_until
from tests.support.web import Admin

FAST = ("--rate", "5")


def birds_arrive(node: int) -> None:
    """Wait until there are three birds of the node more than now."""
    birds = Bird.objects.filter(node_id=node)
    before = birds.count()
    wait_until(
        lambda: birds.count() >= before + 3,
        timeout=20,
        message=lambda: f"birds of node {node} arrive; there are {birds.count()}",
    )


@pytest.mark.timeout(240)
def test_nine_steps(
    blank_database: Database,
    processes: Processes,
    ports: PortBlock,
    start_daemon: Callable[..., Daemon],
    start_web: Callable[[Database], Admin],
    create_superuser: Callable[[Database], tuple[str, str]],
    promise: Promise,
) -> None:
    database = blank_database
    first, second, nobody = ports.take(), ports.take(), ports.take()

    def run_nodes() -> Program:
        nodes = (str(first), str(second))
        return processes.manage("runnodes", *nodes, *FAST, env=database.env)

    def connected(port: int, count: int = 1) -> Callable[[], bool]:
        return lambda: len(daemon.connected_to(port)) == count

    # 1. A blank database and one superuser.
    processes.run("migrate", env=database.env)
    credentials = create_superuser(database)
    # 2. The web UI.
    admin = start_web(database)
    admin.log_in(*credentials)
    # 3. Two simulated nodes.
    simulator = run_nodes()
    simulator.wait_for_line("listening on")
    # 4. The daemon.
    daemon = start_daemon(database)
    assert daemon.counts() == (0, 0)

    # 5. Three nodes are created; the third has nobody at its address. Birds arrive.
    dartmoor = admin.add_node("Dartmoor", "127.0.0.1", first)
    promise("a node added in the admin is connected", connected(first))
    exmoor = admin.add_node("Exmoor", "127.0.0.1", second)
    promise("a second node added in the admin is connected", connected(second))
    nowhere = admin.add_node("Nowhere", "127.0.0.1", nobody)
    birds_arrive(dartmoor)
    birds_arrive(exmoor)

    # 6. It runs on.
    stays_true(lambda: connected(first)() and connected(second)(), seconds=2, message="it runs on")
    birds_arrive(dartmoor)
    birds_arrive(exmoor)
    assert not Bird.objects.filter(node_id=nowhere).exists()
    assert not daemon.connected_to(nobody)

    # 7. The simulated nodes stop; the daemon takes it calmly.
    children = {process.node: process.pid for process in daemon.nodes().values()}
    assert set(children) == {dartmoor, exmoor, nowhere}
    assert simulator.stop(signal.SIGINT) == 0
    promise("stopped nodes are disconnected", connected(first, 0))
    promise("stopped nodes are disconnected", connected(second, 0))
    stays_true(lambda: daemon.exit_code is None, seconds=2, message="it takes it calmly")
    assert {process.node: process.pid for process in daemon.nodes().values()} == children
    assert "Traceback" not in daemon.text()

    # 8. They start again; birds arrive from both.
    run_nodes().wait_for_line(".")
    promise("nodes that return are connected", connected(first), within=5)
    promise("nodes that return are connected", connected(second), within=5)
    birds_arrive(dartmoor)
    birds_arrive(exmoor)

    # 9. One is deleted, its connection closes; the other one moves to its port.
    admin.delete_node(dartmoor)
    promise("a node deleted in the admin is disconnected", connected(first, 0))
    assert not Bird.objects.filter(node_id=dartmoor).exists()
    admin.change_node(exmoor, port=first)
    promise("a node moved in the admin is disconnected", connected(second, 0))
    promise("a node moved in the admin is connected there", connected(first))
    birds_arrive(exmoor)
    assert set(daemon.nodes()) == {exmoor, nowhere}

    assert daemon.stop(signal.SIGINT) == 0
    assert "Traceback" not in daemon.text()
