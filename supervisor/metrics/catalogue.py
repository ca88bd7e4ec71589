"""Every metric of the daemon: its name, its meaning, and where its numbers come from.

The names keep to Prometheus' rules: base units, `_total` for what only grows.
docs/operate.md shows `METRICS`.
"""

import platform
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from nodeproc.numbers.daemon import DaemonNumbers
from nodeproc.numbers.node import Counts
from nodeproc.numbers.shared import MICRO, Distribution
from nodeproc.states import CONNECTED_STATES
from nodeproc.wire.messages import DiskRoom
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
    disks: Sequence[DiskRoom] = ()

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


def _metric(name: str, labels: tuple[str, ...], meaning: str, read: Callable[..., Any]) -> Metric:
    """Return a counter if its name says so, else a gauge."""
    kind = "counter" if name.endswith("_total") else "gauge"
    return Metric(f"birdwatcher_{name}", kind, labels, meaning, read)


def _one(name: str, meaning: str, value: Callable[[Snapshot], float]) -> Metric:
    """Return a metric of the whole daemon."""
    return _metric(name, (), meaning, lambda it: [((), value(it))])


def _histogram(name: str, meaning: str, read: Callable[[Snapshot], Distribution]) -> Metric:
    return Metric(f"birdwatcher_{name}", "histogram", (), meaning, read)


def _process(name: str, meaning: str, value: Callable[[Usage], float]) -> Metric:
    """Return a metric of each process; `node` is empty for the supervisor and the writer."""

    def read(it: Snapshot) -> Samples:
        return (((each.role.kind, each.role.node), value(each)) for each in it.usage)

    return _metric(f"process_{name}", ("process", "node"), meaning, read)


def _node(name: str, meaning: str, value: Callable[[Snapshot, Counts], float]) -> Metric:
    """Return a metric of each node."""

    def read(it: Snapshot) -> Samples:
        return (((str(each.spec.id),), value(it, each.counts)) for each in it.readings)

    return _metric(f"node_{name}", ("node",), meaning, read)


def _node_states(it: Snapshot) -> Samples:
    return (((str(r.spec.id), r.spec.name, r.state.value), 1) for r in it.readings)


def _node_connected(it: Snapshot) -> Samples:
    return (((str(r.spec.id), r.spec.name), r.state in CONNECTED_STATES) for r in it.readings)


def _disk(name: str, meaning: str, value: Callable[[DiskRoom], float]) -> Metric:
    """Return a metric of each disk."""

    def read(it: Snapshot) -> Samples:
        return (((room.path, room.uses), value(room)) for room in it.disks)

    return _metric(f"disk_{name}", ("path", "uses"), meaning, read)


class _Counted(NamedTuple):
    """A number of each node that is also added up over all of them."""

    name: str
    field: str  # of `Counts`
    of_all: str  # the meaning of the sum; without one it is not shown
    of_node: str  # the meaning of the node's own

    def sum(self) -> Metric:
        """Return the metric of all nodes, with what removed nodes counted."""
        return _one(self.name, self.of_all, lambda it: getattr(it.overview.total, self.field))

    def own(self) -> Metric:
        """Return the metric of each node."""
        return _node(self.name, self.of_node, lambda _, counts: getattr(counts, self.field))


WAITING = "received and not yet committed"
BROKEN = "packets that broke the protocol's rules"
OLDEST = f"age of the oldest event {WAITING}; 0 without one"

COUNTED = (
    _Counted(
        "events_received_total",
        "events",
        "events received from nodes, those included that are no more",
        "events received",
    ),
    _Counted("packets_rejected_total", "rejected", BROKEN, BROKEN),
    _Counted("connections_total", "connections", "connections made to nodes", "connections made"),
    _Counted("received_bytes_total", "bytes", "bytes read from nodes", "bytes read"),
    _Counted(
        "events_retained",
        "retained",
        f"events {WAITING}, in the memory of node processes",
        f"events {WAITING}, in memory",
    ),
    _Counted("retained_bytes", "retained_bytes", "", "size of what is in memory"),
    _Counted(
        "events_spooled",
        "spooled",
        f"events {WAITING}, in spools",
        f"events {WAITING}, in the spool",
    ),
    _Counted("spool_bytes", "spooled_bytes", "size of all spools", "size of the spool"),
)

METRICS: tuple[Metric, ...] = (
    _metric(
        "build_info",
        ("version", "python"),
        "always 1",
        lambda _: [((VERSION, platform.python_version()), 1)],
    ),
    _one("start_time_seconds", "when the daemon started, in Unix time", lambda it: it.started_at),
    _metric(
        "nodes",
        ("state",),
        "nodes in each state",
        lambda it: [((state.value,), count) for state, count in it.overview.states.items()],
    ),
    *(counted.sum() for counted in COUNTED if counted.of_all),
    _one("oldest_uncommitted_seconds", OLDEST, lambda it: it.age(it.overview.total.oldest)),
    _one(
        "events_committed_total",
        "events written to the database",
        lambda it: it.numbers.committed,
    ),
    _one(
        "events_known_total",
        "events received that another daemon had committed already",
        lambda it: it.numbers.known,
    ),
    _one(
        "batches_missing_total",
        "batches that the database had confirmed, and lost by going back to an older state",
        lambda it: it.numbers.missing,
    ),
    _one(
        "rejections_committed_total",
        "rejected packets entered in the database, and events that it refused",
        lambda it: it.numbers.rejected,
    ),
    _one(
        "events_set_aside_total",
        "of the events written to the database, those set aside for their new species",
        lambda it: it.numbers.set_aside,
    ),
    _histogram(
        "commit_events", "events in each transaction", lambda it: it.numbers.commit_events.read()
    ),
    _histogram(
        "commit_seconds",
        "duration of each transaction",
        lambda it: it.numbers.commit_seconds.read(),
    ),
    _metric(
        "process_restarts_total",
        ("process",),
        "processes, `writer` or `node`, that took the place of one that ended unasked",
        lambda it: [((process,), count) for process, count in it.restarts.items()],
    ),
    _process("resident_memory_bytes", "resident memory of a process", lambda it: it.resident_bytes),
    _process(
        "cpu_seconds_total", "processor time that a process has used", lambda it: it.cpu_seconds
    ),
    _process("open_fds", "descriptors that a process has open", lambda it: it.descriptors),
    _disk("free_bytes", "free room on a disk that the daemon uses", lambda it: it.free),
    _disk("size_bytes", "size of that disk", lambda it: it.size),
    _disk(
        "full", "1 if nothing is read from the nodes, for want of room on it", lambda it: it.is_full
    ),
    _metric("node_connected", ("node", "name"), "1 if the node is connected", _node_connected),
    _metric(
        "node_state",
        ("node", "name", "state"),
        "1, for the state that the node is in",
        _node_states,
    ),
    *(counted.own() for counted in COUNTED),
    _node("oldest_uncommitted_seconds", OLDEST, lambda it, counts: it.age(counts.oldest)),
)
