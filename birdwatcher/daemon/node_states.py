"""The state of a node at this moment, in the words that people see.

The state in the database is what the daemon last wrote. It is only valid while the daemon runs: a
daemon that was killed leaves every node "connected".
"""

import datetime
from dataclasses import dataclass

from django.db.models import Q
from django.utils import formats, timezone

from birdwatcher.daemon.models import Daemon
from birdwatcher.nodes.models import Node, NodeStatus
from nodeproc.states import CONNECTED_STATES, NodeState

DISABLED = "disabled"
UNKNOWN = "unknown"
WAITING = "waiting for its process"

# A node may be silent while no bird sings: that is shown, but it is not an error.
SILENT_AFTER = datetime.timedelta(minutes=10)

WORDS: tuple[str, ...] = (*(state.value for state in NodeState), WAITING, DISABLED, UNKNOWN)

TONES = {
    NodeState.CONNECTED.value: "good",
    NodeState.LIMITED.value: "busy",
    NodeState.BACKING_OFF.value: "bad",
    NodeState.REFUSED.value: "bad",
    NodeState.CRASHED.value: "bad",
    NodeState.STARTING.value: "busy",
    NodeState.CONNECTING.value: "busy",
    WAITING: "busy",
    UNKNOWN: "busy",
}


@dataclass(frozen=True)
class StateNow:
    """A node's state as people see it: one of `WORDS`, its start, and a reason if there is one."""

    word: str
    since: datetime.datetime | None = None
    reason: str = ""


def tone(word: str) -> str:
    """Return the tone, which is the colour, of one of `WORDS`: good, bad, busy or quiet."""
    return TONES.get(word, "quiet")


def state_now(node: Node, daemon: Daemon | None, now: datetime.datetime) -> StateNow:
    """Return the state of `node`, whose `status` should be loaded."""
    if not node.enabled:
        return StateNow(DISABLED)
    if daemon is None:
        return StateNow(UNKNOWN, reason="the daemon has never run")
    if not daemon.alive(now):
        gone = daemon.stopped_at or daemon.seen_at
        return StateNow(UNKNOWN, gone, f"daemon not running since {_shown(gone)}")
    status = getattr(node, "status", None)
    if status is None:
        return StateNow(WAITING)
    return StateNow(status.state, status.since, _trouble_of(status, now))


def _trouble_of(status: NodeStatus, now: datetime.datetime) -> str:
    """Return the reason for a connected node: its error, or that it is silent."""
    if status.state not in CONNECTED_STATES:
        return ""  # the pages show the last error separately
    heard = max(filter(None, [status.since, status.last_event_at]))
    silent = f"silent since {_shown(heard)}" if now - heard >= SILENT_AFTER else ""
    return status.error or silent


def _shown(moment: datetime.datetime) -> str:
    return str(formats.localize(timezone.localtime(moment)))


def nodes_in(word: str, daemon: Daemon | None, now: datetime.datetime) -> Q:
    """Return the condition of the nodes whose state by `state_now` is `word`."""
    if word == DISABLED:
        return Q(enabled=False)
    alive = daemon is not None and daemon.alive(now)
    if word == UNKNOWN and not alive:
        return Q(enabled=True)
    if word == UNKNOWN or not alive:
        return Q(pk__in=[])
    if word == WAITING:
        return Q(enabled=True, status=None)
    return Q(enabled=True, status__state=word)
