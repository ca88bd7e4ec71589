"""CPU of the whole daemon: 1,000 connected nodes at half an event a second each, 500 of them, and
1,000 that are silent."""

import time

from tests.benchmarks.bench import Bench, add_nodes, wait_until_settled
from tests.benchmarks.load import Load
from tests.benchmarks.results import NOTHING, TIMES, Result, Row
from tests.benchmarks.system import cpu_seconds, family
from tests.support.daemon import Daemon

MANY, HALF = 1_000, 500
PACE = 0.5  # events a second of each node
EVENTS = 100
SECONDS = 15.0
QUIET = 12.0  # seconds after the last connection: each node has then reported twice
BUSY_PERCENT, SILENT_PERCENT, GROWTH = 35.0, 2.0, 2.2


def measure(bench: Bench, vendor: str) -> Result:
    """Measure the three, at two sizes of one daemon."""
    with bench.load() as load, bench.database(vendor) as database, bench.daemon(database) as daemon:
        load.render(HALF, EVENTS)
        _connect(load, 0, HALF)
        half, _ = _busy(daemon, load, HALF)
        load.render(MANY, EVENTS)
        _connect(load, HALF, MANY)
        many, parts = _busy(daemon, load, MANY)
        time.sleep(QUIET)
        silent, silent_parts = _percent(daemon)
    return Result(
        [
            _row("1,000 connected nodes, 0.5 events/s each", vendor, many, "%", BUSY_PERCENT),
            _row("the same, over that of 500", vendor, many / half, TIMES, GROWTH, f"{half:.1f} %"),
            _row("1,000 connected silent nodes", vendor, silent, "%", SILENT_PERCENT),
        ],
        [f"CPU busy: {parts}", f"CPU silent: {silent_parts}"],
    )


def _row(
    what: str, vendor: str, value: float, unit: str, bar: float, against: str = NOTHING
) -> Row:
    measured = f"{value:.2f} % of a core" if unit == "%" else NOTHING
    return Row(f"CPU of the daemon, {what}", vendor, measured, against, value, unit, bar)


def _connect(load: Load, first: int, count: int) -> None:
    add_nodes(count - first, load.port, first)
    load.connected(count)
    wait_until_settled(count)
    time.sleep(QUIET)


def _busy(daemon: Daemon, load: Load, nodes: int) -> tuple[float, str]:
    load.pace(nodes * PACE)
    time.sleep(2.0)  # until it is under way
    found = _percent(daemon)
    load.pace(0)
    return found


def _percent(daemon: Daemon) -> tuple[float, str]:
    """Return the daemon's share of one core, and that of its parts, in words."""
    everybody = family(daemon.pid)
    writer = daemon.writer()
    assert writer is not None
    parts = {
        "supervisor": [daemon.pid],
        "writer": [writer],
        "node processes": [pid for pid in everybody if pid not in {daemon.pid, writer}],
    }
    began = time.monotonic()
    before = {part: cpu_seconds(pids) for part, pids in parts.items()}
    time.sleep(SECONDS)
    after = {part: cpu_seconds(pids) for part, pids in parts.items()}
    lasted = time.monotonic() - began
    percent = {part: 100 * (after[part] - before[part]) / lasted for part in parts}
    words = ", ".join(f"{part} {value:.2f} %" for part, value in percent.items())
    return sum(percent.values()), words
