"""All hostile nodes at once, beside honest ones: of their birds none is lost, none comes twice."""

import os
from collections.abc import Callable

import psutil

from birdwatcher.nodes.models import NodeStatus
from tests.floods import honest
from tests.floods.hostile import KINDS
from tests.support.daemon import Daemon
from tests.support.databases import Database
from tests.support.fieldnode import FieldNode
from tests.support.ports import PortBlock
from tests.support.processes import Processes
from tests.support.waiting import wait_until

NEIGHBOURS = 3
CALM = 2.0  # seconds, in which the floods swell
BESIDE = 3.0
CONNECTING = 30.0
MIB = 1024 * 1024
MOST = 300 * MIB  # of any process


def test_honest_neighbours_beside_every_flood(
    database: Database,
    processes: Processes,
    ports: PortBlock,
    field_node: Callable[..., FieldNode],
    start_daemon: Callable[..., Daemon],
) -> None:
    nodes = {}
    for number in range(NEIGHBOURS):
        field = field_node()
        nodes[honest.add(number, field.port).pk] = field
    daemon = start_daemon(database)
    connected = lambda: all(field.connected() for field in nodes.values())  # noqa: E731
    wait_until(connected, timeout=CONNECTING, message=daemon.text)
    neighbours = honest.Neighbours(nodes)
    hostile = {}
    for number, kind in enumerate(KINDS, NEIGHBOURS):
        port = ports.take()
        arguments = ("-m", "tests.floods.hostile", kind, "127.0.0.1", str(port))
        processes.python(*arguments, env=dict(os.environ))
        hostile[kind] = honest.add(number, port).pk
    neighbours.live(CALM)
    wait_until(
        lambda: _have_flooded(hostile), timeout=CONNECTING, message=lambda: f"{_counts(hostile)}"
    )
    neighbours.live(BESIDE)
    neighbours.settle()
    everyone = [psutil.Process(daemon.pid), *daemon.children()]
    assert max(it.memory_info().rss for it in everyone) < MOST


def _counts(hostile: dict[str, int]) -> dict[str, tuple[int, int]]:
    """Return how many events and rejected packets each flood has brought."""
    rows = {it.node_id: it for it in NodeStatus.objects.filter(node__in=hostile.values())}
    return {
        kind: (rows[key].events, rows[key].rejected) for kind, key in hostile.items() if key in rows
    }


def _have_flooded(hostile: dict[str, int]) -> bool:
    counts = _counts(hostile)
    return all(sum(counts.get(kind, (0, 0))) > 1000 for kind in hostile if kind != "slow bytes")
