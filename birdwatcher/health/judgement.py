"""Judge the facts; pure, so that its test is a table."""

import datetime
import enum
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from birdwatcher.daemon.models import ALIVE_FOR, Daemon, Standby
from nodeproc.states import NodeState
from nodeproc.wire.messages import DiskRoom
from supervisor.disks import mebibytes
from supervisor.metrics.statistics import count_connected, describe_nodes

CONNECTED_SHARE = 0.9  # of the enabled nodes; with fewer it is a warning
STARTING = datetime.timedelta(seconds=60)  # for nodes to connect after the daemon's start
CLOCKS_DIFFER = 5.0  # seconds; clocks that are kept right differ by far less
LAG_WARNING = 30.0  # seconds that the oldest event has been waiting for its commit
LAG_CRITICAL = 300.0

THRESHOLDS = f"""\
CRITICAL: no database, or no answer from it; no sign of life of the daemon for {ALIVE_FOR.seconds} \
s, or it was stopped; none of the enabled nodes is connected; nothing is read from the nodes, for \
want of room on a disk; a daemon of this host stands by because another has the database; the \
oldest event received and not committed has been waiting for {LAG_CRITICAL:g} s. \
WARNING: fewer than {CONNECTED_SHARE:.0%} of the enabled nodes are connected; a node's process has \
crashed; a node is at an address that is not allowed; a disk is filling up; nodes have vanished \
from the database, and the daemon waits for their return; a daemon of another host stands by; the \
oldest event has been waiting for {LAG_WARNING:g} s; events of new species are set aside until \
somebody adopts or discards them; the clock of this host or of the daemon's differs from the \
database's by {CLOCKS_DIFFER:g} s. \
For {STARTING.seconds} s after the daemon's start it is no more than a warning that no node is \
connected. UNKNOWN: the database lacks migrations."""


class Grade(enum.IntEnum):
    """The grades; their values are the exit codes of monitoring plugins."""

    OK = 0
    WARNING = 1
    CRITICAL = 2
    UNKNOWN = 3


class SetAside(NamedTuple):
    """Events of new species that wait until somebody adopts or discards them."""

    events: int = 0
    nodes: int = 0


NOTHING = SetAside()


@dataclass(frozen=True)
class Facts:
    """The facts in the database."""

    now: datetime.datetime  # by the daemon's clock: see `Daemon.now`
    daemon: Daemon | None  # the one that runs or ran last
    states: Mapping[NodeState, int]  # the number of enabled nodes in each state
    newest: datetime.datetime | None  # when the newest committed event was received
    # Daemons that lost the database to another, and for how long they have been waiting.
    standing_by: Sequence[tuple[Standby, datetime.timedelta]] = ()
    host: str = ""  # where this is judged
    set_aside: SetAside = NOTHING
    ahead: float = 0.0  # seconds by which the clock there is ahead of the database's


@dataclass(frozen=True)
class Verdict:
    """The grade, its reason, and the facts; None if the database did not answer.

    `findings` are the problems, the worst first; `text` has them and a summary.
    """

    grade: Grade
    text: str
    facts: Facts | None = None
    findings: Sequence[str] = ()

    @property
    def word(self) -> str:
        """`ok`, `warning`, `critical` or `unknown`."""
        return self.grade.name.lower()

    @property
    def line(self) -> str:
        """`OK: 412 nodes, 409 connected, 3 backing off; 812 events/s; newest event 0.4 s ago`."""
        return f"{self.grade.name}: {self.text}"

    def as_dict(self) -> dict[str, Any]:
        """Return everything as values of JSON."""
        values: dict[str, Any] = {"status": self.word, "message": self.text}
        if self.facts:
            values["nodes"] = {state.value: count for state, count in self.facts.states.items()}
            values["set_aside"] = self.facts.set_aside._asdict()
            values["newest_event_at"] = _iso(self.facts.newest)
            values["daemon"] = _daemon_as_dict(self.facts.daemon) if self.facts.daemon else None
        return values


def judge(facts: Facts) -> Verdict:
    """Return the verdict: the grade of the worst finding, all findings, and a summary."""
    if finding := _missing_daemon(facts):
        return Verdict(Grade.CRITICAL, finding, facts, [finding])
    findings = [
        *_standing_by(facts),
        *_disks(facts),
        *_connections(facts),
        *_missing_nodes(facts),
        *_keeping_up(facts),
        *_set_aside(facts),
        *_clocks(facts),
    ]
    grade = max((grade for grade, _ in findings), default=Grade.OK)
    worst_first = [why for _, why in sorted(findings, key=lambda finding: -finding[0])]
    return Verdict(grade, "; ".join([*worst_first, *_summary(facts)]), facts, worst_first)


def _missing_daemon(facts: Facts) -> str | None:
    daemon = facts.daemon
    if daemon is None:
        return "the daemon has never run"
    if daemon.stopped_at:
        return f"the daemon was stopped {_duration(facts.now - daemon.stopped_at)} ago"
    if not daemon.alive(facts.now):
        return f"the daemon has not been seen for {_duration(facts.now - daemon.seen_at)}"
    return None


def _standing_by(facts: Facts) -> Iterator[tuple[Grade, str]]:
    """Yield each daemon that is one too many; on its own host, somebody has to stop it."""
    for it, waits in facts.standing_by:
        text = f"{it} has been standing by for {_duration(waits)}: another daemon has the database"
        yield Grade.CRITICAL if it.host == facts.host else Grade.WARNING, text


def _connections(facts: Facts) -> Iterator[tuple[Grade, str]]:
    nodes, connected = sum(facts.states.values()), count_connected(facts.states)
    starting = facts.daemon and facts.now - facts.daemon.started_at < STARTING
    if nodes and not connected:
        one = "the only node is not connected" if nodes == 1 else None
        text = one or f"none of {nodes:,} nodes is connected"
        yield (Grade.WARNING, f"{text} yet") if starting else (Grade.CRITICAL, text)
    elif connected < nodes * CONNECTED_SHARE and not starting:
        yield Grade.WARNING, f"only {connected:,} of {nodes:,} nodes are connected"
    if crashed := facts.states.get(NodeState.CRASHED, 0):
        yield Grade.WARNING, f"processes that crashed: {crashed:,}"
    if refused := facts.states.get(NodeState.REFUSED, 0):
        yield Grade.WARNING, f"nodes at addresses that are not allowed: {refused:,}"


def _disks(facts: Facts) -> Iterator[tuple[Grade, str]]:
    for room in (DiskRoom(**each) for each in facts.daemon.disks) if facts.daemon else ():
        text = f"the disk of the {room.uses}, {room.path}, has {mebibytes(room.free)} left"
        if room.is_full:
            yield Grade.CRITICAL, f"nothing is read from the nodes: {text}"
        elif room.free < room.warning:
            yield Grade.WARNING, text


def _missing_nodes(facts: Facts) -> Iterator[tuple[Grade, str]]:
    if missing := facts.daemon and facts.daemon.missing:
        text = "nodes that vanished from the database, and whose events wait for their return"
        yield Grade.WARNING, f"{text}: {missing:,}"


def _keeping_up(facts: Facts) -> Iterator[tuple[Grade, str]]:
    lag = facts.daemon.lag if facts.daemon else None
    if lag is None or lag < LAG_WARNING:
        return
    assert facts.daemon  # noqa: S101 for the type checker
    oldest = _duration(datetime.timedelta(seconds=lag))
    text = f"falling behind: {facts.daemon.backlog or 0:,} events wait, the oldest for {oldest}"
    yield Grade.CRITICAL if lag >= LAG_CRITICAL else Grade.WARNING, text


def _set_aside(facts: Facts) -> Iterator[tuple[Grade, str]]:
    events, nodes = facts.set_aside
    if events:
        of = "a node" if nodes == 1 else f"{nodes:,} nodes"
        text = f"events of new species set aside: {events:,} of {of}; adopt or discard them"
        yield Grade.WARNING, text


def _clocks(facts: Facts) -> Iterator[tuple[Grade, str]]:
    """Yield each clock that differs from the database's: times on the pages are wrong by that."""
    daemon = facts.daemon
    clocks = {"this host": facts.ahead}
    if daemon:
        clocks |= {f"the daemon's host {daemon.host}": daemon.clock_ahead}
    for whose, ahead in clocks.items():
        if abs(ahead) >= CLOCKS_DIFFER:
            seconds = _duration(datetime.timedelta(seconds=abs(ahead)))
            which = "ahead of" if ahead > 0 else "behind"
            yield Grade.WARNING, f"the clock of {whose} is {seconds} {which} the database's"


def _summary(facts: Facts) -> Iterator[str]:
    yield describe_nodes(facts.states) if facts.states else "no node is enabled"
    if facts.daemon and facts.daemon.events_per_second is not None:
        yield f"{facts.daemon.events_per_second:,.0f} events/s"
    if facts.newest:
        yield f"newest event {_duration(facts.now - facts.newest)} ago"


def _duration(length: datetime.timedelta) -> str:
    """Return `0.4 s`, `95 s`, `3 min`, `5 h` or `12 days`."""
    seconds = max(length.total_seconds(), 0.0)
    if seconds < 10:
        return f"{seconds:.1f} s"
    for unit, size, until in (("s", 1, 120), ("min", 60, 7200), ("h", 3600, 172_800)):
        if seconds < until:
            return f"{seconds // size:.0f} {unit}"
    return f"{seconds // 86_400:,.0f} days"


def _daemon_as_dict(daemon: Daemon) -> dict[str, Any]:
    times = {name: _iso(getattr(daemon, name)) for name in ("started_at", "seen_at", "stopped_at")}
    summary = {name: getattr(daemon, name) for name in Daemon.SUMMARY}
    return {"host": daemon.host, "pid": daemon.pid, **times, **summary, "disks": daemon.disks}


def _iso(moment: datetime.datetime | None) -> str | None:
    return moment.isoformat() if moment else None
