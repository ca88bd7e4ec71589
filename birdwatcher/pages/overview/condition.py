"""The condition of the network: how many nodes are connected, and why the others are not."""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass

from birdwatcher.daemon.models import Daemon
from birdwatcher.daemon.node_states import DISABLED, tone
from birdwatcher.health.examination import read_facts
from birdwatcher.health.judgement import Grade, Verdict, judge
from birdwatcher.nodes.models import Node
from birdwatcher.pages.nodes.summary import Row, row_of, states
from nodeproc.states import CONNECTED_STATES, NodeState

NAMED = 6  # nodes that are not connected, each with its reason


@dataclass(frozen=True)
class Group:
    """Nodes in the same state, one of `node_states.WORDS`."""

    word: str
    count: int

    @property
    def tone(self) -> str:
        """Its tone."""
        return tone(self.word)


@dataclass(frozen=True)
class Condition:
    """The condition of the network at a moment."""

    verdict: Verdict
    nodes: int
    enabled: int
    connected: int | None  # None if not known
    others: Sequence[Group]
    troubles: Sequence[Row]  # at most `NAMED`

    @property
    def unnamed(self) -> int:
        """How many more nodes are not connected than `troubles` has."""
        return self.enabled - (self.connected or 0) - len(self.troubles)

    @property
    def warns(self) -> bool:
        """Whether something needs attention."""
        return bool(self.enabled) and self.verdict.grade != Grade.OK

    @property
    def is_critical(self) -> bool:
        """Whether it needs attention now."""
        return self.verdict.grade == Grade.CRITICAL


def condition() -> Condition:
    """Return the condition of the network now."""
    facts = read_facts()
    alive = facts.daemon is not None and facts.daemon.alive(facts.now)
    groups = states(facts.daemon, facts.now)
    enabled = sum(count for word, count in groups.items() if word != DISABLED)
    connected = sum(groups.get(state, 0) for state in CONNECTED_STATES)
    groups.pop(NodeState.CONNECTED.value, None)
    return Condition(
        verdict=judge(facts),
        nodes=enabled + groups.get(DISABLED, 0),
        enabled=enabled,
        connected=connected if alive else None,
        others=[Group(word, count) for word, count in groups.items()],
        troubles=_troubles(facts.daemon, facts.now) if alive and connected < enabled else [],
    )


def _troubles(daemon: Daemon | None, now: datetime.datetime) -> list[Row]:
    nodes = Node.objects.filter(enabled=True).exclude(status__state__in=CONNECTED_STATES)
    shown = nodes.select_related("status", "new_species")[:NAMED]
    return [row_of(node, daemon, now, []) for node in shown]
