"""What honest nodes and visitors notice of a hostile node, one flood after the other."""

import statistics
import time
from contextlib import ExitStack

from birdwatcher.nodes.models import NodeStatus
from tests.benchmarks.bench import Bench, wait_until_settled
from tests.benchmarks.results import Result, Row
from tests.benchmarks.system import family, kib
from tests.floods import honest
from tests.floods.hostile import KINDS
from tests.floods.visitor import Visitor
from tests.support.fieldnode import FieldNode

NEIGHBOURS = 4
CALM = 5.0  # seconds before the flood
FLOOD = 20.0
LAG, PAGE, MEMORY = 1.0, 1.0, 300.0  # the bars: seconds, seconds, MB
MB_OF_KIB = 1024 / 1e6


def measure(bench: Bench, vendor: str) -> Result:
    """Let each flood go on for a while, in a database of its own."""
    rows: list[Row] = []
    notes: list[str] = []
    for kind in KINDS:
        _measure(bench, vendor, kind, rows, notes)
    return Result(rows, notes)


def _measure(bench: Bench, vendor: str, kind: str, rows: list[Row], notes: list[str]) -> None:
    with ExitStack() as stack:
        database = stack.enter_context(bench.database(vendor))
        nodes = {}
        for number in range(NEIGHBOURS):
            field = FieldNode(bench.port())
            stack.callback(field.close)
            nodes[honest.add(number, field.port).pk] = field
        address = f"127.0.0.1:{bench.port()}"
        env = database.env | {"BIRDWATCHER_HTTPS": "0"}
        server = bench.processes.manage("serve", address, env=env)
        server.wait_for_line("web: listening on")
        stack.enter_context(bench.daemon(database))
        wait_until_settled(NEIGHBOURS)
        for field in nodes.values():
            field.connections()
        before = honest.Neighbours(nodes)
        before.live(CALM)
        before.settle()

        port = bench.port()
        hostile = honest.add(NEIGHBOURS, port)
        bench.processes.python(
            "-m", "tests.floods.hostile", kind, "127.0.0.1", str(port), env=bench.env
        )
        visitor = Visitor(f"http://{address}", hostile)
        beside = honest.Neighbours(nodes)
        visitor.start()
        began = time.monotonic()
        beside.live(FLOOD)
        visitor.leave()
        took = time.monotonic() - began
        beside.settle()
        memory = max(kib(pid, "Rss") for pid in family(server.pid)) * MB_OF_KIB
        status = NodeStatus.objects.get(node=hostile)
        rows += _rows(vendor, kind, before.lags, beside.lags, visitor.seconds, memory)
        slowest = max(visitor.seconds, key=lambda path: visitor.seconds[path])
        notes.append(
            f"{kind}: {status.events / took:,.0f} events and {status.rejected / took:,.0f} "
            f"rejected packets a second; slowest page {slowest}; {status.state} {status.error}"
        )
        server.stop()


def _rows(
    vendor: str,
    kind: str,
    before: list[float],
    beside: list[float],
    pages: dict[str, float],
    memory: float,
) -> list[Row]:
    calm, lag = (statistics.quantiles(it, n=100)[98] for it in (before, beside))
    page = max(pages.values())
    return [
        Row(f"lag of honest nodes beside {kind}, p99", vendor, f"{lag * 1e3:.0f} ms",
            f"before: {calm * 1e3:.0f} ms", lag, "s", LAG),
        Row(f"slowest page beside {kind}", vendor, f"{page * 1e3:.0f} ms", "", page, "s", PAGE),
        Row(f"largest web process beside {kind}", vendor, f"{memory:.0f} MB", "",
            memory, "MB", MEMORY),
    ]  # fmt: skip
