"""Events a second, from fifty nodes' sockets to committed rows: against the database's own bulk
load of the very same rows, and against the usual daemon."""

import statistics
import time
from dataclasses import dataclass

from django.db.models import Count

from birdwatcher.birds.models import Bird
from tests.benchmarks.baselines.bulk import BulkLoad, read_birds
from tests.benchmarks.bench import Bench, add_nodes, wait_until_committed, wait_until_settled
from tests.benchmarks.load import Load
from tests.benchmarks.results import TIMES, Result, Row, ratio
from tests.benchmarks.system import cpu_seconds
from tests.support.daemon import Daemon
from tests.support.databases import SQLITE
from tests.support.waiting import wait_until

NODES = 50
EVENTS = 8_000  # of each node
TOTAL = NODES * EVENTS
ROUNDS = 3
USUAL_SECONDS = 5.0
USUAL: dict[str, list[str]] = {
    "one process, ORM": [],
    "one process, ORM, species remembered": ["--remember"],
}
USUAL_TIMES = 80.0
BULK = {"sqlite": 0.5, "postgresql": 0.8}

KINDS = ("node processes", "supervisor", "writer", "database server")


@dataclass
class Round:
    """What one flood of the daemon yields."""

    rate: float  # events a second
    cpu: dict[str, float]  # microseconds an event, by kind of process
    birds: BulkLoad


def measure(bench: Bench, vendor: str) -> Result:
    """Flood the daemon, load the same rows in bulk, run the usual daemon: in turn."""
    ours, bulk, cpu = [], [], []
    usual: dict[str, list[float]] = {name: [] for name in USUAL}
    with bench.load() as load:
        load.render(NODES, EVENTS)
        sending = _sent_into_the_void(bench, load)
        for _ in range(ROUNDS):
            flood = _flood(bench, vendor, load)
            ours.append(flood.rate)
            cpu.append(flood.cpu)
            with bench.database(vendor):
                bulk.append(TOTAL / flood.birds.load())
                _check_books()
            for name, arguments in USUAL.items():
                usual[name].append(_usual(bench, vendor, load, arguments))
    bulk_name = "executemany" if vendor == SQLITE else "COPY"
    rows = [
        _row(vendor, f"{bulk_name} of the same rows", ours, bulk, BULK[vendor]),
        *(_row(vendor, name, ours, rates, USUAL_TIMES) for name, rates in usual.items()),
    ]
    times = sending / statistics.median(ours)
    spent = ", ".join(
        f"{kind} {statistics.median(it[kind] for it in cpu):.2f}" for kind in KINDS if cpu[0][kind]
    )
    return Result(
        rows,
        [
            f"the load generator alone sends {sending:,.0f} events/s, {times:.0f} times as many",
            f"CPU, µs an event: {spent}",
        ],
    )


def _row(vendor: str, against: str, ours: list[float], theirs: list[float], bar: float) -> Row:
    value, rounds = ratio(ours, theirs)
    return Row(
        "throughput, 50 nodes' sockets to committed rows",
        vendor,
        f"{statistics.median(ours):,.0f} events/s",
        f"{against}: {statistics.median(theirs):,.0f} /s",
        value,
        TIMES,
        bar,
        at_least=True,
        rounds=rounds,
    )


def _sent_into_the_void(bench: Bench, load: Load) -> float:
    """Return how many events a second the generator can send, to somebody who only receives."""
    arguments = ("-m", "tests.benchmarks.baselines.sink", str(NODES), str(load.port))
    sink = bench.processes.python(*arguments, env=bench.env)
    load.connected(NODES)
    load.flood()
    began, ended = load.flooded()
    sink.stop()
    return TOTAL / (ended - began)


def _flood(bench: Bench, vendor: str, load: Load) -> Round:
    with bench.database(vendor) as database:
        add_nodes(NODES, load.port)
        with bench.daemon(database) as daemon:
            load.connected(NODES)
            wait_until_settled(NODES)
            before = _cpu(bench, daemon)
            load.flood()
            seconds = _wait_for_all(load)
            after = _cpu(bench, daemon)
            cpu = {kind: (after[kind] - before[kind]) / TOTAL * 1e6 for kind in KINDS}
        _check_books()
        return Round(TOTAL / seconds, cpu, read_birds(vendor))


def _wait_for_all(load: Load) -> float:
    """Wait until every event is committed; return the seconds since the first was sent."""
    wait_until_committed(TOTAL)
    ended = time.monotonic()
    began, _ = load.flooded()
    return ended - began


def _check_books() -> None:
    """Every node's every event is there, once: their times are all different."""
    counts = Bird.objects.values("node").annotate(
        birds=Count("pk"), moments=Count("timestamp", distinct=True)
    )
    found = [(row["birds"], row["moments"]) for row in counts.order_by("node")]
    if found != [(EVENTS, EVENTS)] * NODES:
        raise AssertionError(f"the books do not balance: {found}")


def _cpu(bench: Bench, daemon: Daemon) -> dict[str, float]:
    """CPU seconds so far, by kind of process."""
    writer = daemon.writer()
    nodes = [child.pid for child in daemon.children() if child.pid != writer]
    pids = (nodes, [daemon.pid], [writer], bench.server_pids())
    return {kind: cpu_seconds(some) for kind, some in zip(KINDS, pids, strict=True)}


def _usual(bench: Bench, vendor: str, load: Load, arguments: list[str]) -> float:
    """Return how many events a second the usual daemon saves."""
    with bench.database(vendor) as database:
        add_nodes(NODES, load.port)
        env = database.env | {"DJANGO_SETTINGS_MODULE": "birdwatcher.settings"}
        program = bench.processes.python(
            "-m", "tests.benchmarks.baselines.usual", *arguments, env=env
        )
        load.connected(NODES)
        load.flood()
        wait_until(Bird.objects.exists, timeout=60, message=program.text)
        first, began = Bird.objects.count(), time.monotonic()
        time.sleep(USUAL_SECONDS)
        rate = (Bird.objects.count() - first) / (time.monotonic() - began)
        program.stop()
    return rate
