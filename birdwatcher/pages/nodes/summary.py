"""Summaries of nodes: the state, status, rate and process of each at this moment."""

import datetime
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Count

from birdwatcher.birds.models import NewSpecies
from birdwatcher.daemon.models import Daemon, DaemonProcess
from birdwatcher.daemon.node_states import DISABLED, UNKNOWN, WAITING, StateNow, state_now, tone
from birdwatcher.nodes.models import Node, NodeStatus
from birdwatcher.nodes.rates import per_minute
from nodeproc.states import NodeState

# The states by urgency.
URGENCY = (
    NodeState.CRASHED.value,
    NodeState.REFUSED.value,
    NodeState.BACKING_OFF.value,
    NodeState.LIMITED.value,
    UNKNOWN,
    WAITING,
    NodeState.STARTING.value,
    NodeState.CONNECTING.value,
    NodeState.STOPPED.value,
    NodeState.CONNECTED.value,
    DISABLED,
)
# The states in which the row of a node's status is current.
LIVING = frozenset(state.value for state in NodeState)


@dataclass(frozen=True)
class Row:
    """A node with everything that the pages show of it."""

    node: Node
    state: StateNow
    tone: str
    why: str
    status: NodeStatus | None
    current: NodeStatus | None  # the same while it is current, else None
    rate: list[int]  # events of each of the last 60 minutes
    process: DaemonProcess | None

    @property
    def set_aside(self) -> NewSpecies | None:
        """What is set aside of it, None without anything."""
        row: NewSpecies | None = getattr(self.node, "new_species", None)
        return row if row and row.events else None

    @property
    def last_minute(self) -> int:
        """The events of the last complete minute."""
        return self.rate[-2]


def rows_of(keys: Iterable[int], daemon: Daemon | None, now: datetime.datetime) -> list[Row]:
    """Return the nodes with these keys, in their order."""
    keys = list(keys)
    nodes = Node.objects.select_related("status", "new_species").in_bulk(keys)
    processes = processes_of(keys)
    return [row_of(nodes[key], daemon, now, processes.get(key, [])) for key in keys if key in nodes]


def row_of(
    node: Node, daemon: Daemon | None, now: datetime.datetime, processes: Iterable[DaemonProcess]
) -> Row:
    """Return `node`, whose status must be loaded, with everything that the pages show of it."""
    shown = state_now(node, daemon, now)
    status: NodeStatus | None = getattr(node, "status", None)
    current = status if shown.word in LIVING else None
    return Row(
        node=node,
        state=shown,
        tone=tone(shown.word),
        why=shown.reason or (current.error if current else ""),
        status=status,
        current=current,
        rate=per_minute(status or NodeStatus(), now),
        # Not the previous process, whose row is deleted with the next measurement.
        process=next((it for it in processes if current and it.pid == current.pid), None),
    )


def processes_of(keys: Iterable[int]) -> dict[int, list[DaemonProcess]]:
    """Return the measured processes of nodes, by node."""
    found: dict[int, list[DaemonProcess]] = {}
    for process in DaemonProcess.objects.filter(node__in=list(keys)):
        if process.node_id is not None:
            found.setdefault(process.node_id, []).append(process)
    return found


def states(daemon: Daemon | None, now: datetime.datetime) -> dict[str, int]:
    """Return how many nodes are in each state that occurs, the most urgent first."""
    alive = daemon is not None and daemon.alive(now)
    found: Counter[str] = Counter()
    groups = Node.objects.order_by().values_list("enabled", "status__state")
    for enabled, state, count in groups.annotate(Count("pk")):
        now_in = (state or WAITING) if alive else UNKNOWN
        found[now_in if enabled else DISABLED] += count
    return {word: found[word] for word in URGENCY if found[word]}
