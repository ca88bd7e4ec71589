"""Statistics of all nodes: totals, a rate, and one line for people.

Pure: the caller passes the numbers and the time.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from nodeproc.numbers.daemon import Summary
from nodeproc.numbers.node import GROWING, Counts, together
from nodeproc.numbers.shared import MICRO
from nodeproc.states import CONNECTED_STATES, NodeState
from nodeproc.wire.messages import NodeSpec


class Reading(NamedTuple):
    """One node at one moment."""

    spec: NodeSpec
    state: NodeState
    counts: Counts


@dataclass(frozen=True)
class Overview:
    """All nodes at one moment."""

    states: Mapping[NodeState, int]  # how many nodes are in each
    total: Counts  # including those of nodes that are gone
    events_per_second: float  # received, over the last interval

    @property
    def nodes(self) -> int:
        """How many there are."""
        return sum(self.states.values())

    @property
    def connected(self) -> int:
        """How many of them there is a connection to."""
        return count_connected(self.states)

    def summary(self) -> Summary:
        """Return the same in the few numbers that the database keeps."""
        return Summary(
            nodes=self.nodes,
            connected=self.connected,
            backlog=self.total.retained + self.total.spooled,
            spooled=self.total.spooled,
            oldest=self.total.oldest / MICRO or None,
            events_per_second=self.events_per_second,
        )

    def __str__(self) -> str:
        """Return `412 nodes, 409 connected, 3 backing off; 812 events/s; 1,204 events spooled`."""
        parts = [describe_nodes(self.states), f"{self.events_per_second:,.0f} events/s"]
        if self.total.spooled:
            parts.append(f"{self.total.spooled:,} events spooled")
        return "; ".join(parts)


class Statistics:
    """Totals that go on counting when nodes are removed."""

    def __init__(self) -> None:
        self._former = Counts()  # of nodes that are gone
        self._rate = 0.0
        self._sampled: tuple[float, int] | None = None

    def removed(self, counts: Counts) -> None:
        """Keep in the totals what a removed node has counted."""
        self._former = _sum(self._former, Counts(*counts[:GROWING]))

    def overview(self, states: Mapping[NodeState, int], present: Counts) -> Overview:
        """Return an overview, given how many nodes are in which state, and the sum of the numbers
        of those `present`."""
        every_state = {state: states.get(state, 0) for state in NodeState}
        return Overview(every_state, _sum(self._former, present), self._rate)

    def sample(self, states: Mapping[NodeState, int], present: Counts, now: float) -> Overview:
        """Do the same, and end the interval of the rate; `now` in monotonic seconds."""
        events = self._former.events + present.events
        if self._sampled and now > self._sampled[0]:
            then, before = self._sampled
            self._rate = (events - before) / (now - then)
        self._sampled = now, events
        return self.overview(states, present)


def count_connected(states: Mapping[NodeState, int]) -> int:
    """Return how many nodes there is a connection to, given how many are in which state."""
    return sum(states.get(state, 0) for state in CONNECTED_STATES)


def describe_nodes(states: Mapping[NodeState, int]) -> str:
    """Return `412 nodes, 409 connected, 3 backing off`: other states only if a node is in them."""
    count = sum(states.values())
    nodes = "1 node" if count == 1 else f"{count:,} nodes"
    others = [state for state in NodeState if state is not NodeState.CONNECTED]
    shown = [f"{states[state]:,} {state}" for state in others if states.get(state)]
    return ", ".join([nodes, f"{states.get(NodeState.CONNECTED, 0):,} connected", *shown])


def _sum(*counts: Counts) -> Counts:
    return together(zip(*counts, strict=True))
