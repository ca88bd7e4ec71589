"""From what the database tells to a verdict."""

import datetime
import json

import pytest

from birdwatcher.daemon.models import Daemon
from birdwatcher.health.judgement import Facts, Grade, SetAside, judge
from nodeproc.states import NodeState
from nodeproc.wire.messages import DiskRoom
from supervisor.disks import MIB

NOW = datetime.datetime(2026, 5, 1, 12, 0, tzinfo=datetime.UTC)
CONNECTED, BACKING_OFF, CRASHED = NodeState.CONNECTED, NodeState.BACKING_OFF, NodeState.CRASHED

States = dict[NodeState, int]


def ago(seconds: float) -> datetime.datetime:
    return NOW - datetime.timedelta(seconds=seconds)


def daemon(**fields: object) -> Daemon:
    started = {"host": "h", "pid": 1, "started_at": ago(3600), "seen_at": ago(4)}
    summary = {"nodes": 1, "connected": 1, "backlog": 0, "spooled": 0, "events_per_second": 812.4}
    return Daemon(**started | summary | fields)


def disk(mebibytes: int, *, is_full: bool = False) -> dict[str, object]:
    room = DiskRoom("database", "/data", mebibytes * MIB, 400 * MIB, 40 * MIB, 10 * MIB, is_full)
    return room._asdict()


@pytest.mark.parametrize(
    ("it", "states", "line"),
    [
        (
            daemon(),
            {CONNECTED: 409, BACKING_OFF: 3},
            "OK: 412 nodes, 409 connected, 3 backing off; 812 events/s; newest event 0.4 s ago",
        ),
        (daemon(), {}, "OK: no node is enabled; 812 events/s; newest event 0.4 s ago"),
        (daemon(events_per_second=None), {CONNECTED: 1}, "OK: 1 node, 1 connected; newest event"),
        (daemon(seen_at=ago(19.9)), {CONNECTED: 1}, "OK: 1 node"),
        (daemon(lag=29.9, backlog=5), {CONNECTED: 1}, "OK: 1 node"),
        (
            daemon(lag=95.0, backlog=12_004),
            {CONNECTED: 1},
            "WARNING: falling behind: 12,004 events wait, the oldest for 95 s; 1 node, 1 connected",
        ),
        (
            daemon(lag=300.0, backlog=7),
            {CONNECTED: 1},
            "CRITICAL: falling behind: 7 events wait, the oldest for 5 min; 1 node",
        ),
        (
            daemon(lag=95.0, backlog=7),
            {BACKING_OFF: 3},
            "CRITICAL: none of 3 nodes is connected; falling behind: 7 events wait, the oldest",
        ),
        (
            daemon(clock_ahead=-90.4),
            {CONNECTED: 1},
            "WARNING: the clock of the daemon's host h is 90 s behind the database's; 1 node",
        ),
        (daemon(clock_ahead=4.9), {CONNECTED: 1}, "OK: 1 node"),
        (daemon(), {CONNECTED: 9, BACKING_OFF: 1}, "OK: 10 nodes"),
        (daemon(disks=[disk(40)]), {CONNECTED: 1}, "OK: 1 node"),
        (
            daemon(disks=[disk(39), disk(40)]),
            {CONNECTED: 1},
            "WARNING: the disk of the database, /data, has 39 MiB left; 1 node",
        ),
        (
            daemon(disks=[disk(40), disk(9, is_full=True)]),
            {CONNECTED: 1},
            "CRITICAL: nothing is read from the nodes: the disk of the database, /data, has 9 MiB",
        ),
        (daemon(), {NodeState.LIMITED: 9, BACKING_OFF: 1}, "OK: 10 nodes, 0 connected, 9 limited"),
        (
            daemon(),
            {CONNECTED: 8, BACKING_OFF: 2},
            "WARNING: only 8 of 10 nodes are connected; 10 nodes, 8 connected, 2 backing off; 812",
        ),
        (daemon(), {BACKING_OFF: 3}, "CRITICAL: none of 3 nodes is connected; 3 nodes"),
        (daemon(), {BACKING_OFF: 1}, "CRITICAL: the only node is not connected; 1 node"),
        (
            daemon(started_at=ago(59)),
            {NodeState.STARTING: 3},
            "WARNING: none of 3 nodes is connected yet; 3 nodes, 0 connected, 3 starting; 812",
        ),
        (daemon(started_at=ago(59)), {CONNECTED: 1, NodeState.STARTING: 3}, "OK: 4 nodes"),
        (
            daemon(),
            {CONNECTED: 99, CRASHED: 1},
            "WARNING: processes that crashed: 1; 100 nodes, 99 connected, 1 crashed; 812",
        ),
        (
            daemon(),
            {CONNECTED: 99, NodeState.REFUSED: 2},
            "WARNING: nodes at addresses that are not allowed: 2; 101 nodes, 99 connected, 2 refus",
        ),
        (None, {CONNECTED: 1}, "CRITICAL: the daemon has never run"),
        (
            daemon(stopped_at=ago(7201)),
            {CONNECTED: 1},
            "CRITICAL: the daemon was stopped 2 h ago",
        ),
        (
            daemon(seen_at=ago(190)),
            {CONNECTED: 1},
            "CRITICAL: the daemon has not been seen for 3 min",
        ),
        (
            daemon(seen_at=ago(12.5 * 86400)),
            {CONNECTED: 1},
            "CRITICAL: the daemon has not been seen for 12 days",
        ),
    ],
)
def test_verdicts(it: Daemon | None, states: States, line: str) -> None:
    verdict = judge(Facts(NOW, it, states, ago(0.4)))
    assert verdict.line.startswith(line)
    assert verdict.grade is Grade[line.partition(":")[0]]
    assert verdict.word == verdict.grade.name.lower()
    told = json.loads(json.dumps(verdict.as_dict()))
    assert (told["status"], told["message"]) == (verdict.word, verdict.text)
    assert told["nodes"] == {state.value: count for state, count in states.items()}


def test_an_event_from_a_clock_ahead_of_ours_is_new() -> None:
    verdict = judge(Facts(NOW, daemon(), {CONNECTED: 1}, ago(-5)))
    assert verdict.line.endswith("newest event 0.0 s ago")


def test_grades_are_the_exit_codes_of_monitoring_plugins() -> None:
    assert [grade.name for grade in sorted(Grade)] == ["OK", "WARNING", "CRITICAL", "UNKNOWN"]
    assert [int(grade) for grade in sorted(Grade)] == [0, 1, 2, 3]


def test_events_that_are_set_aside_are_a_warning() -> None:
    for aside, of in ((SetAside(7, 1), "7 of a node"), (SetAside(1234, 3), "1,234 of 3 nodes")):
        verdict = judge(Facts(NOW, daemon(), {CONNECTED: 1}, ago(1), set_aside=aside))
        assert verdict.line.startswith(f"WARNING: events of new species set aside: {of}; adopt or")
        assert verdict.as_dict()["set_aside"] == {"events": aside.events, "nodes": aside.nodes}
