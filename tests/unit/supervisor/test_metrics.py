"""The metrics in Prometheus' text format, read back by Prometheus' own parser."""

import asyncio
import tomllib
from collections import Counter
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from nodeproc.numbers.daemon import DaemonNumbers
from nodeproc.numbers.node import Counts, together
from nodeproc.states import NodeState
from nodeproc.wire.messages import DiskRoom, NodeSpec
from supervisor import VERSION
from supervisor.metrics.catalogue import METRICS, Snapshot
from supervisor.metrics.exposition import AT_ONCE, render
from supervisor.metrics.statistics import Reading, Statistics
from supervisor.metrics.usage import Role, Usage
from tests.support import documents

ROOT = Path(__file__).parents[3]

Value = dict[tuple[str, frozenset[tuple[str, str]]], float]


def snapshot(*readings: Reading) -> Snapshot:
    numbers = DaemonNumbers()
    numbers.count_commit(20, 1, 0.003)
    numbers.count_commit(0, 0, 0.2)
    states = Counter(it.state for it in readings)
    total = together(zip(*(it.counts for it in readings), strict=True))
    return Snapshot(
        now=1000.0,
        started_at=400.5,
        readings=list(readings),
        overview=Statistics().overview(states, total),
        numbers=numbers,
        restarts={"writer": 2, "node": 0},
        usage=[Usage(Role("node", "7", 4711), 1 << 20, 1.5, 0.0, 0.0, 12)],
        disks=[DiskRoom("database", "/data", 5, 900, 50, 10, True)],
    )


def reading(node: int = 7, name: str = "Dartmoor", **counts: int) -> Reading:
    spec = NodeSpec(node, name, "127.0.0.1", 9999)
    return Reading(spec, NodeState.CONNECTED, Counts(**counts))


def parsed(text: bytes) -> Value:
    """Return every sample by its name and labels."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
    }


def rendered(*readings: Reading) -> Value:
    return parsed(asyncio.run(render(snapshot(*readings))))


def value(values: Value, metric: str, /, **labels: str) -> float:
    return values[metric, frozenset(labels.items())]


def test_every_number_is_found_again() -> None:
    values = rendered(
        reading(events=5, rejected=1, connections=2, bytes=300, retained=3, oldest=990_500_000),
        reading(8, spooled=4, spooled_bytes=90),
    )
    assert value(values, "birdwatcher_events_received_total") == 5
    assert value(values, "birdwatcher_node_events_received_total", node="7") == 5
    assert value(values, "birdwatcher_node_packets_rejected_total", node="7") == 1
    assert value(values, "birdwatcher_events_spooled") == 4
    assert value(values, "birdwatcher_node_spool_bytes", node="8") == 90
    assert value(values, "birdwatcher_oldest_uncommitted_seconds") == 9.5
    disk = {"path": "/data", "uses": "database"}
    assert value(values, "birdwatcher_disk_free_bytes", **disk) == 5
    assert value(values, "birdwatcher_disk_full", **disk) == 1
    assert value(values, "birdwatcher_node_oldest_uncommitted_seconds", node="8") == 0
    assert value(values, "birdwatcher_nodes", state="connected") == 2
    assert value(values, "birdwatcher_nodes", state="crashed") == 0
    assert value(values, "birdwatcher_events_committed_total") == 20
    assert value(values, "birdwatcher_commit_events_bucket", le="10") == 1
    assert value(values, "birdwatcher_commit_events_bucket", le="+Inf") == 2
    assert value(values, "birdwatcher_commit_seconds_sum") == 0.203
    assert value(values, "birdwatcher_process_restarts_total", process="writer") == 2
    assert value(values, "birdwatcher_process_open_fds", process="node", node="7") == 12
    assert value(values, "birdwatcher_start_time_seconds") == 400.5


def test_any_name_can_be_a_label() -> None:
    name = 'a "quoted"\\ name\nof シジュウカラ 🐦'
    values = rendered(reading(name=name))
    assert value(values, "birdwatcher_node_connected", node="7", name=name) == 1


def test_a_thousand_nodes_are_one_family_and_hold_nobody_up() -> None:
    readings = [reading(node, events=node) for node in range(1, 1001)]

    async def turns_of_others() -> tuple[bytes, int]:
        rendering, turns = asyncio.create_task(render(snapshot(*readings))), 0
        while not rendering.done():
            await asyncio.sleep(0)
            turns += 1
        return rendering.result(), turns

    text, turns = asyncio.run(turns_of_others())
    assert turns > 14 * 1000 / AT_ONCE / 2
    lines = text.decode().splitlines()
    assert len(set(lines)) == len(lines)
    assert sum(line.startswith("# TYPE") for line in lines) == len(METRICS)
    values = parsed(text)
    assert value(values, "birdwatcher_node_events_received_total", node="1000") == 1000
    assert value(values, "birdwatcher_events_received_total") == 500_500


def test_names_keep_to_the_rules() -> None:
    names = [metric.name for metric in METRICS]
    assert len(set(names)) == len(names)
    for metric in METRICS:
        assert metric.name.startswith("birdwatcher_")
        assert metric.name.endswith("_total") == (metric.kind == "counter")
        assert metric.kind in {"counter", "gauge", "histogram"}
        assert metric.meaning[0].islower() or metric.meaning[0].isdigit()


def test_the_version_is_the_project_s() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["version"] == VERSION


def test_the_documents_show_every_metric() -> None:
    shown = documents.section_of("docs/operate.md", "## Metrics").splitlines()
    assert [line for line in shown if line.startswith("| `birdwatcher_")] == [
        f"| `{metric.name}` | {metric.kind} | {' '.join(f'`{it}`' for it in metric.labels)} "
        f"| {metric.meaning} |"
        for metric in METRICS
    ]
