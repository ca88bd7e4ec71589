"""How the network is: how many nodes are connected, and what is wrong with the others."""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Count

from birdwatcher.health.examination import read_facts
from birdwatcher.health.judgement import Grade, Verdict, judge
from birdwatcher.nodes.live import DISABLED, UNKNOWN, WAITING, WORDS, Live, live, tone
from birdwatcher.nodes.models import Node
from birdwatcher.writer.models import Daemon
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
    groups = _count(alive=alive)
    connected = groups.pop(NodeState.CONNECTED.value, 0)
    enabled = connected + sum(count for word, count in groups.items() if word != DISABLED)
    return Condition(
        verdict=judge(facts),
        nodes=enabled + groups.get(DISABLED, 0),
        enabled=enabled,
        connected=connected if alive else None,
        others=[Group(word, groups[word]) for word in WORDS if groups.get(word)],
        troubles=_troubles(facts.daemon, facts.now) if alive and connected < enabled else [],
    )


def _count(*, alive: bool) -> Counter[str]:
    """Return how many nodes there are in each state, disabled ones too."""
    rows = Node.objects.order_by().values_list("enabled", "status__state")
    groups: Counter[str] = Counter()
    for enabled, state, count in rows.annotate(Count("pk")):
        word = (state or WAITING) if alive else UNKNOWN
        groups[word if enabled else DISABLED] += count
    return groups


def _troubles(daemon: Daemon | None, now: datetime.datetime) -> list[Trouble]:
    nodes = Node.objects.filter(enabled=True).exclude(status__state=NodeState.CONNECTED)
    found = []
    for node in nodes.select_related("status")[:NAMED]:
        status = getattr(node, "status", None)
        found.append(Trouble(node, live(node, daemon, now), status.last_error if status else ""))
    return found
