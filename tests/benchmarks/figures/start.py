"""The time from the start to a thousand connected nodes, against a thousand bare forked children
that only connect a socket."""

import statistics
import time

from tests.benchmarks.bench import Bench, add_nodes
from tests.benchmarks.load import Load
from tests.benchmarks.results import TIMES, Result, Row, ratio

NODES = 1_000
ROUNDS = 3
MOST = 2.0


def measure(bench: Bench, vendor: str) -> Result:
    """Start the daemon and the bare children in turn."""
    ours, bare = [], []
    for _ in range(ROUNDS):
        ours.append(_daemon(bench, vendor))
        bare.append(_bare(bench, vendor))
    from_start = [seconds for seconds, _ in bare]
    value, rounds = ratio(ours, from_start)
    forking = statistics.median(seconds for _, seconds in bare)
    row = Row(
        "time from the start to 1,000 connected nodes",
        vendor,
        f"{statistics.median(ours):.2f} s",
        f"1,000 bare children that connect: {statistics.median(from_start):.2f} s",
        value,
        TIMES,
        MOST,
        rounds=rounds,
    )
    return Result([row], [f"of the bare children's time, forking and connecting: {forking:.2f} s"])


def _daemon(bench: Bench, vendor: str) -> float:
    """Return the seconds from the daemon's start to the last connection."""
    with bench.load() as load, bench.database(vendor) as database:
        add_nodes(NODES, load.port)
        began = time.monotonic()
        with bench.daemon(database):
            return load.connected(NODES) - began


def _bare(bench: Bench, vendor: str) -> tuple[float, float]:
    """Return the seconds from the start, and from the first fork, to the last connection."""
    with bench.load() as load:
        began = time.monotonic()
        return _connected(bench, load, began)


def _connected(bench: Bench, load: Load, began: float) -> tuple[float, float]:
    arguments = ("connect", str(NODES), str(load.port))
    program = bench.processes.python(
        "-m", "tests.benchmarks.baselines.bare_children", *arguments, env=bench.env
    )
    ended = load.connected(NODES)
    forking_since = float(program.text())
    program.stop()
    return ended - began, ended - forking_since
