"""Where the time goes, in each kind of process: in a flood, and with one event after the other.

No figure of its own: the profiler itself takes time. What counts is who is at the top.
"""

import io
import pstats
import tempfile
from pathlib import Path

from tests.benchmarks.bench import Bench, add_nodes, wait_until_committed, wait_until_settled
from tests.benchmarks.load import Load
from tests.benchmarks.results import Result
from tests.support.databases import Database

NODES = 20
FLOOD, SINGLE = 5_000, 100  # events of each node
PACE = 100.0  # events a second of all nodes together
LINES = 8
KINDS = {"supervisor": "supervisor", "writer": "writer", "node processes": "node-*"}


def measure(bench: Bench, vendor: str) -> Result:
    """Profile both."""
    notes = []
    with bench.load() as load:
        for events, pace in ((FLOOD, 0.0), (SINGLE, PACE)):
            with bench.database(vendor) as database, tempfile.TemporaryDirectory() as directory:
                _run(bench, database, load, events, pace, directory)
                what = f"at {pace:.0f} events/s" if pace else "in a flood"
                notes += [_top(Path(directory), kind, what, NODES * events) for kind in KINDS]
    return Result([], notes)


def _run(
    bench: Bench, database: Database, load: Load, events: int, pace: float, directory: str
) -> None:
    load.render(NODES, events)
    add_nodes(NODES, load.port)
    with bench.daemon(database, "-m", "tests.benchmarks.profiled", directory):
        load.connected(NODES)
        wait_until_settled(NODES)
        if pace:
            load.pace(pace)
            wait_until_committed(NODES * events)
            load.pace(0)
        else:
            load.flood()
            wait_until_committed(NODES * events)


def _top(directory: Path, kind: str, what: str, events: int) -> str:
    """Return the functions in which this kind of process spends most."""
    files = [str(path) for path in directory.glob(KINDS[kind])]
    stats = pstats.Stats(*files, stream=io.StringIO())
    rows = [
        (own / events * 1e6, calls, _name(function))
        for function, (_, calls, own, *_) in stats.stats.items()  # type: ignore[attr-defined]
    ]
    rows.sort(reverse=True)
    lines = [
        f"  {own:8.2f} µs  {calls / events:8.2f} x  {name}" for own, calls, name in rows[:LINES]
    ]
    total = sum(own for own, *_ in rows)
    return "\n".join(
        [f"{kind} {what}, CPU with the profiler: {total:.1f} µs an event, of which", *lines]
    )


def _name(function: tuple[str, int, str]) -> str:
    file, line, name = function
    return name if file == "~" else f"{'/'.join(Path(file).parts[-2:])}:{line} {name}"
