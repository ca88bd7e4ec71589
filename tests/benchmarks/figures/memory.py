"""Memory of a node's process, against a forked child of the same parent that only sleeps; and what
a thousand nodes cost the supervisor and the writer."""

import signal
import statistics
import time

from birdwatcher.nodes.models import Node
from tests.benchmarks.bench import Bench, add_nodes, wait_until_settled
from tests.benchmarks.load import Load
from tests.benchmarks.results import NOTHING, TIMES, Result, Row, ratio
from tests.benchmarks.system import kib, mean_kib
from tests.support.daemon import Daemon
from tests.support.waiting import STARTING, wait_until

NODES = 300
EVENTS = 100  # of each node, before its memory is looked at
PACE = 3_000.0  # events a second of all nodes together
SECONDS = 6.0
MOST, MIB = 2.5, 3.0
FEW, MANY = 10, 1_000
KIB_A_NODE = 60.0
ROUNDS = 2


def measure(bench: Bench, vendor: str) -> Result:
    """Measure both; the first in rounds."""
    ours, bare = [], []
    with bench.load() as load, bench.database(vendor) as database:
        program = ("-m", "tests.benchmarks.baselines.bare_children", "daemon", str(NODES))
        with bench.daemon(database, *program) as daemon:
            nodes = add_nodes(NODES, load.port)
            load.render(NODES, EVENTS)
            for _ in range(ROUNDS):
                ours.append(_streaming(daemon, load))
                bare.append(_sleeping(daemon))
                Node.objects.update(enabled=True)
            del nodes
    grown, few, many = _growth(bench, vendor)
    return Result([*_rows(vendor, ours, bare), _growth_row(vendor, grown, few, many)])


def _rows(vendor: str, ours: list[float], bare: list[float]) -> list[Row]:
    value, rounds = ratio(ours, bare)
    mine, theirs = statistics.median(ours), statistics.median(bare)
    return [
        Row(
            "memory of a node's process: PSS, connected and streaming, mean of 300",
            vendor,
            f"{mine:,.0f} KiB",
            f"bare fork of the same parent: {theirs:,.0f} KiB",
            value,
            TIMES,
            MOST,
            rounds=rounds,
        ),
        Row("the same", vendor, f"{mine:,.0f} KiB", NOTHING, mine / 1024, "MiB", MIB),
    ]


def _growth_row(vendor: str, grown: float, few: float, many: float) -> Row:
    return Row(
        "memory of supervisor and writer, 1,000 nodes over 10: RSS, a node",
        vendor,
        f"{many / 1024:.1f} MiB with {MANY:,}",
        f"{few / 1024:.1f} MiB with {FEW}",
        grown,
        "KiB",
        KIB_A_NODE,
    )


def _streaming(daemon: Daemon, load: Load) -> float:
    """PSS of a node's process while all of them stream, in KiB."""
    load.connected(NODES)
    wait_until_settled(NODES)
    load.pace(PACE)
    time.sleep(SECONDS)
    pids = [process.pid for process in daemon.nodes().values()]
    mean = mean_kib(pids, "Pss")
    load.pace(0)
    return mean


def _sleeping(daemon: Daemon) -> float:
    """PSS of a bare child of the supervisor, when there are as many and no nodes, in KiB."""
    Node.objects.update(enabled=False)
    _wait_for_children(daemon, 1)
    daemon.send(signal.SIGUSR1)
    _wait_for_children(daemon, 1 + NODES)
    writer = daemon.writer()
    mean = mean_kib([child.pid for child in daemon.children() if child.pid != writer], "Pss")
    daemon.send(signal.SIGUSR1)
    _wait_for_children(daemon, 1)
    return mean


def _wait_for_children(daemon: Daemon, count: int) -> None:
    wait_until(
        lambda: len(daemon.process.children()) == count,
        timeout=STARTING,
        message=lambda: f"{count} children, there are {len(daemon.process.children())}",
    )


def _growth(bench: Bench, vendor: str) -> tuple[float, float, float]:
    """Memory of supervisor and writer: what a node adds, with few, with many; all in KiB."""
    found = []
    with bench.load() as load, bench.database(vendor) as database, bench.daemon(database) as daemon:
        load.render(MANY, 1)
        for first, count in ((0, FEW), (FEW, MANY - FEW)):
            add_nodes(count, load.port, first)
            load.connected(first + count)
            wait_until_settled(first + count)
            load.pace((first + count) / 2)
            time.sleep(SECONDS)
            load.pace(0)
            writer = daemon.writer()
            assert writer is not None
            found.append(kib(daemon.pid, "Rss") + kib(writer, "Rss"))
    few, many = found
    return (many - few) / (MANY - FEW), few, many
