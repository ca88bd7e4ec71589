"""What one more node costs the others."""

from collections.abc import Callable
from pathlib import Path

import pytest

from birdwatcher.nodes.models import Node
from tests.support.daemon import Daemon
from tests.support.databases import SQLITE, Database
from tests.support.ports import PortBlock
from tests.support.waiting import STARTING, wait_until

NODES = 30
SHARED = "/dev/zero (deleted)"  # what the kernel calls anonymous memory that processes share


@pytest.mark.parametrize("database", [SQLITE], indirect=True)
def test_a_process_maps_no_more_memory_when_there_are_more_nodes(
    database: Database, start_daemon: Callable[..., Daemon], ports: PortBlock
) -> None:
    """Otherwise the kernel's memory, and the time to fork, grow with the square of the nodes."""
    port = ports.take()  # where nobody listens
    for number in range(NODES):
        Node.objects.create(name=f"Node {number}", ip_address=f"127.0.0.{number + 1}", port=port)
    daemon = start_daemon(database)
    wait_until(
        lambda: len(daemon.nodes()) == NODES,
        timeout=STARTING,
        message=lambda: f"all nodes have a process; {daemon.titles()}",
    )
    found = [
        Path(f"/proc/{process.pid}/maps").read_text().splitlines()
        for process in daemon.nodes().values()
    ]
    assert {sum(SHARED in line for line in lines) for lines in found} == {2}  # arena and board
    counts = [len(lines) for lines in found]
    assert max(counts) - min(counts) < NODES / 2, counts
    assert daemon.stop() == 0
