"""From a node's `send` to the row that another connection sees, against a bare insert and commit.

One event at a time; a hundred nodes, one event a second each."""

import statistics
import time
from collections.abc import Callable, Iterator

from tests.benchmarks.baselines.bare_insert import Onlooker, inserter
from tests.benchmarks.bench import Bench, add_nodes, wait_until_settled
from tests.benchmarks.events import address, frames
from tests.benchmarks.field import Field
from tests.benchmarks.results import TIMES, Result, Row, ratio

NODES = 100
PACE = 0.01  # seconds between two events of all nodes together
SAMPLES = 400  # of each side in each round
ROUNDS = 4
BARS = {"p50": (50, 4.0), "p99": (99, 6.0)}
CONNECTING = 60.0  # seconds
LOST = 10.0  # seconds after which an event does not come any more
# Between two looks: a look must not take the processor from those who are being looked at.
PAUSE = 0.00005


def measure(bench: Bench, vendor: str) -> Result:
    """Send and insert in turn, round after round, on one database."""
    field = Field(bench.port())
    ours, bare = [], []
    with bench.database(vendor) as database:
        add_nodes(NODES, field.port)
        with bench.daemon(database):
            field.wait_for(NODES, CONNECTING)
            wait_until_settled(NODES)
            onlooker = Onlooker(database.url)
            events = _sender(field)
            _paced(lambda: _seconds_until_seen(events, onlooker))  # warmed up, and one row is there
            insert = inserter()
            for _ in range(ROUNDS):
                ours.append(_paced(lambda: _seconds_until_seen(events, onlooker)))
                bare.append(_paced(lambda: _seconds(insert)))
                onlooker.catch_up()
            onlooker.close()
    field.close()
    return Result([_row(vendor, name, ours, bare) for name in BARS])


def _row(vendor: str, name: str, ours: list[list[float]], bare: list[list[float]]) -> Row:
    percent, bar = BARS[name]
    mine = [_percentile(samples, percent) for samples in ours]
    theirs = [_percentile(samples, percent) for samples in bare]
    value, rounds = ratio(mine, theirs)
    return Row(
        f"latency, from the node's send to the visible row, {name}",
        vendor,
        f"{statistics.median(mine) * 1e3:.2f} ms",
        f"bare insert and commit: {statistics.median(theirs) * 1e3:.2f} ms",
        value,
        TIMES,
        bar,
        rounds=rounds,
    )


def _percentile(samples: list[float], percent: int) -> float:
    return statistics.quantiles(samples, n=100)[percent - 1]


def _sender(field: Field) -> Iterator[Callable[[], object]]:
    """Yield functions that each send one event, of one node after the other."""
    packets = frames(NODES)
    while True:
        for number in range(NODES):
            connection = field.connections[address(number)]
            yield lambda: connection.send(packets[number])  # noqa: B023 called before the next one


def _paced(once: Callable[[], float]) -> list[float]:
    """Call `once` at the pace; return what it says."""
    said = []
    began = time.monotonic()
    for number in range(SAMPLES):
        time.sleep(max(began + number * PACE - time.monotonic(), 0))
        said.append(once())
    return said


def _seconds(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def _seconds_until_seen(events: Iterator[Callable[[], object]], onlooker: Onlooker) -> float:
    send = next(events)
    began = time.perf_counter()
    send()
    while not onlooker.sees_news():
        if time.perf_counter() - began > LOST:
            raise AssertionError(f"an event was not there after {LOST:g} s")
        time.sleep(PAUSE)
    return time.perf_counter() - began
