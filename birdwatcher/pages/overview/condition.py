"""How the network is: how many nodes are connected, and what is wrong with the others."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass

from birdwatcher.daemon.models import Daemon
from birdwatcher.daemon.node_states import DISABLED, Live, live, tone
from birdwatcher.health.examination import read_facts
from birdwatcher.health.judgement import Grade, Verdict, judge
from birdwatcher.nodes.models import Node
from birdwatcher.pages.nodes.summary import states
from nodeproc.states import NodeState

NAMED = 6  # nodes that are not connected, each with its reason


@dataclass(frozen=True)
class Group:
    """Some nodes in the same state: one of `nodes.live.WORDS`."""

    word: str
    count: int

    @property
    def tone(self) -> str:
        """How to colour it."""
        return tone(self.word)


@dataclass(frozen=True)
class Trouble:
    """A node that should be connected and is not."""

    node: Node
    live: Live
    reason: str

    @property
    def tone(self) -> str:
        """How to colour its state."""
        return tone(self.live.word)


@dataclass(frozen=True)
class Condition:
    """How the network is at a moment."""

    verdict: Verdict
    nodes: int
    enabled: int
    connected: int | None  # None while nobody knows
    others: Sequence[Group]
    troubles: Sequence[Trouble]  # the first of them

    @property
    def unnamed(self) -> int:
        """How many nodes are not connected beside those in `troubles`."""
        return self.enabled - (self.connected or 0) - len(self.troubles)

    @property
    def warns(self) -> bool:
        """Whether something should be done."""
        return bool(self.enabled) and self.verdict.grade != Grade.OK

    @property
    def is_critical(self) -> bool:
        """Whether it should be done now."""
        return self.verdict.grade == Grade.CRITICAL


def condition() -> Condition:
    """Return how the network is now."""
    facts = read_facts()
    alive = facts.daemon is not None and facts.daemon.alive(facts.now)
    groups = states(facts.daemon, facts.now)
    connected = groups.pop(NodeState.CONNECTED.value, 0)
    enabled = connected + sum(count for word, count in groups.items() if word != DISABLED)
    return Condition(
        verdict=judge(facts),
        nodes=enabled + groups.get(DISABLED, 0),
        enabled=enabled,
        connected=connected if alive else None,
        others=[Group(word, count) for word, count in groups.items()],
        troubles=_troubles(facts.daemon, facts.now) if alive and connected < enabled else [],
    )


def _troubles(daemon: Daemon | None, now: datetime.datetime) -> list[Trouble]:
    nodes = Node.objects.filter(enabled=True).exclude(status__state=NodeState.CONNECTED)
    found = []
    for node in nodes.select_related("status")[:NAMED]:
        status = getattr(node, "status", None)
        shown = live(node, daemon, now)
        # Not its last error, which may be over: while it starts or connects, nothing is wrong yet.
        reason = shown.reason or (status.error if status else "")
        found.append(Trouble(node, shown, reason))
    return found
