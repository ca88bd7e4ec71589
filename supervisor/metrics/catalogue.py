"""Every metric of the daemon: its name, its meaning, and where its numbers come from.

The names keep to Prometheus' rules: base units, `_total` for what only grows.
docs/operate.md shows `METRICS`.
"""

import platform
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple

from nodeproc.numbers.daemon import DaemonNumbers
from nodeproc.numbers.shared import MICRO, Distribution
from nodeproc.states import NodeState
from supervisor import VERSION
from supervisor.metrics.statistics import Overview, Reading
from supervisor.metrics.usage import Usage


@dataclass(frozen=True)
class Snapshot:
    """Everything that the metrics of one moment are made from."""

    now: float  # seconds since the epoch, like
    started_at: float
    readings: list[Reading]
    overview: Overview
    numbers: DaemonNumbers
    restarts: dict[str, int]  # by kind of process
    usage: list[Usage]

    def age(self, oldest: int) -> float:
        """Return the seconds since `oldest`, in microseconds since the epoch; 0 for 0."""
        return max(self.now - oldest / MICRO, 0.0) if oldest else 0.0


Samples = Iterable[tuple[tuple[str, ...], float]]  # values of the labels, value


class Metric(NamedTuple):
    """One metric: `kind` in Prometheus' words, and its samples, or its one distribution."""

    name: str
    kind: str
    labels: tuple[str, ...]
    meaning: str
    read: Callable[[Snapshot], Samples | Distribution]


def _one(
    name: str, kind: str, meaning: str, value: Callable[[Snapshot], float | Distribution]
) -> Metric:
    """A metric of the whole daemon."""

    def read(it: Snapshot) -> Samples | Distribution:
        found = value(it)
        return found if isinstance(found, Distribution) else [((), found)]

    return Metric(name, kind, (), meaning, read)


def _process(name: str, kind: str, meaning: str, value: Callable[[Usage], float]) -> Metric:
    """A metric of each process; `node` is empty for the supervisor and the writer."""

    def read(it: Snapshot) -> Samples:
        return (((each.role.kind, each.role.node), value(each)) for each in it.usage)

    return Metric(name, kind, ("process", "node"), meaning, read)


def _node(
    name: str, kind: str, meaning: str, value: Callable[[Snapshot, Reading], float]
) -> Metric:
    """A metric of each node."""

    def read(it: Snapshot) -> Samples:
        return (((str(each.spec.id),), value(it, each)) for each in it.readings)

    return Metric(name, kind, ("node",), meaning, read)


def _node_states(it: Snapshot) -> Samples:
    return (((str(r.spec.id), r.spec.name, r.state.value), 1) for r in it.readings)


def _node_connected(it: Snapshot) -> Samples:
    return (((str(r.spec.id), r.spec.name), r.state is NodeState.CONNECTED) for r in it.readings)


WAITING = "received and not yet committed"
BROKEN = "packets that broke the protocol's rules"

METRICS: tuple[Metric, ...] = (
    Metric(
        "birdwatcher_build_info",
        "gauge",
        ("version", "python"),
        "always 1",
        lambda _: [((VERSION, platform.python_version()), 1)],
    ),
    _one(
        "birdwatcher_start_time_seconds",
        "gauge",
        "when the daemon started, in Unix time",
        lambda it: it.started_at,
    ),
    Metric(
        "birdwatcher_nodes",
        "gauge",
        ("state",),
        "nodes in each state",
        lambda it: [((state.value,), count) for state, count in it.overview.states.items()],
    ),
    _one(
        "birdwatcher_events_received_total",
        "counter",
        "events received from nodes, those included that are no more",
        lambda it: it.overview.total.events,
    ),
    _one(
        "birdwatcher_packets_rejected_total",
        "counter",
        BROKEN,
        lambda it: it.overview.total.rejected,
    ),
    _one(
        "birdwatcher_connections_total",
        "counter",
        "connections made to nodes",
        lambda it: it.overview.total.connections,
    ),
    _one(
        "birdwatcher_received_bytes_total",
        "counter",
        "bytes read from nodes",
        lambda it: it.overview.total.bytes,
    ),
    _one(
        "birdwatcher_events_retained",
        "gauge",
        f"events {WAITING}, in the memory of node processes",
        lambda it: it.overview.total.retained,
    ),
    _one(
        "birdwatcher_events_spooled",
        "gauge",
        f"events {WAITING}, in spools",
        lambda it: it.overview.total.spooled,
    ),
    _one(
        "birdwatcher_spool_bytes",
        "gauge",
        "size of all spools",
        lambda it: it.overview.total.spooled_bytes,
    ),
    _one(
        "birdwatcher_oldest_uncommitted_seconds",
        "gauge",
        f"age of the oldest event {WAITING}; 0 without one",
        lambda it: it.age(it.overview.total.oldest),
    ),
    _one(
        "birdwatcher_events_committed_total",
        "counter",
        "events written to the database",
        lambda it: it.numbers.committed,
    ),
    _one(
        "birdwatcher_rejections_committed_total",
        "counter",
        "rejected packets entered in the database, and events that it refused",
        lambda it: it.numbers.rejected,
    ),
    _one(
        "birdwatcher_commit_events",
        "histogram",
        "events in each transaction",
        lambda it: it.numbers.commit_events.read(),
    ),
    _one(
        "birdwatcher_commit_seconds",
        "histogram",
        "duration of each transaction",
        lambda it: it.numbers.commit_seconds.read(),
    ),
    Metric(
        "birdwatcher_process_restarts_total",
        "counter",
        ("process",),
        "processes, `writer` or `node`, that took the place of one that ended unasked",
        lambda it: [((process,), count) for process, count in it.restarts.items()],
    ),
    _process(
        "birdwatcher_process_resident_memory_bytes",
        "gauge",
        "resident memory of a process",
        lambda each: each.resident_bytes,
    ),
    _process(
        "birdwatcher_process_cpu_seconds_total",
        "counter",
        "processor time that a process has used",
        lambda each: each.cpu_seconds,
    ),
    _process(
        "birdwatcher_process_open_fds",
        "gauge",
        "descriptors that a process has open",
        lambda each: each.descriptors,
    ),
    Metric(
        "birdwatcher_node_connected",
        "gauge",
        ("node", "name"),
        "1 if the node is connected",
        _node_connected,
    ),
    Metric(
        "birdwatcher_node_state",
        "gauge",
        ("node", "name", "state"),
        "1, for the state that the node is in",
        _node_states,
    ),
    _node(
        "birdwatcher_node_events_received_total",
        "counter",
        "events received",
        lambda _, each: each.counts.events,
    ),
    _node(
        "birdwatcher_node_packets_rejected_total",
        "counter",
        BROKEN,
        lambda _, each: each.counts.rejected,
    ),
    _node(
        "birdwatcher_node_connections_total",
        "counter",
        "connections made",
        lambda _, each: each.counts.connections,
    ),
    _node(
        "birdwatcher_node_received_bytes_total",
        "counter",
        "bytes read",
        lambda _, each: each.counts.bytes,
    ),
    _node(
        "birdwatcher_node_events_retained",
        "gauge",
        f"events {WAITING}, in memory",
        lambda _, each: each.counts.retained,
    ),
    _node(
        "birdwatcher_node_retained_bytes",
        "gauge",
        "size of what is in memory",
        lambda _, each: each.counts.retained_bytes,
    ),
    _node(
        "birdwatcher_node_events_spooled",
        "gauge",
        f"events {WAITING}, in the spool",
        lambda _, each: each.counts.spooled,
    ),
    _node(
        "birdwatcher_node_spool_bytes",
        "gauge",
        "size of the spool",
        lambda _, each: each.counts.spooled_bytes,
    ),
    _node(
        "birdwatcher_node_oldest_uncommitted_seconds",
        "gauge",
        f"age of the oldest event {WAITING}; 0 without one",
        lambda it, each: it.age(each.counts.oldest),
    ),
)
