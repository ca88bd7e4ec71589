"""Which states of a node are reported."""

import os

import pytest

from nodeproc import reporting
from nodeproc.reporting import STATUS_INTERVAL, StateReport
from nodeproc.states import NodeState

CONNECTING, CONNECTED = NodeState.CONNECTING, NodeState.CONNECTED
BACKING_OFF = NodeState.BACKING_OFF


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1000.0]
    monkeypatch.setattr(reporting.time, "monotonic", lambda: now[0])
    return now


def enter(report: StateReport, *states: NodeState) -> list[str]:
    """Return the states that are reported, when these are entered."""
    reported = []
    for state in states:
        error = "refused" if state is BACKING_OFF else ""
        if report.enter(state, error) and (status := report.status()):
            reported.append(status.state)
    return reported


def test_of_an_outage_what_is_new_is_reported_and_the_rest_now_and_then(clock: list[float]) -> None:
    report = StateReport()
    assert enter(report, CONNECTING, BACKING_OFF) == ["connecting", "backing off"]
    assert enter(report, CONNECTING, BACKING_OFF, CONNECTING, BACKING_OFF) == []
    clock[0] += STATUS_INTERVAL
    assert enter(report, CONNECTING, BACKING_OFF) == ["backing off"]
    assert enter(report, CONNECTING, CONNECTED) == ["connected"]


def test_a_connection_after_the_first_one_is_marked(clock: list[float]) -> None:
    report = StateReport()
    seen = []
    for state in (CONNECTING, CONNECTED, BACKING_OFF, CONNECTING, CONNECTED):
        report.enter(state)
        if status := report.status():
            seen.append((status.state, status.again))
    assert seen == [
        ("connecting", False),
        ("connected", False),
        ("backing off", False),
        ("connecting", False),
        ("connected", True),
    ]


def test_a_limited_node_is_still_connected(clock: list[float]) -> None:
    report = StateReport()
    enter(report, CONNECTING, CONNECTED)
    for state in (NodeState.LIMITED, CONNECTED):
        report.enter(state)
        status = report.status()
        assert status
        assert (status.state, status.again) == (state, False)


def test_trouble_with_the_spool_is_shown_unless_there_is_another_error(clock: list[float]) -> None:
    report = StateReport()
    enter(report, CONNECTING, CONNECTED)
    report.trouble = "cannot spool: no space"
    status = report.status(next_try=5.0)
    assert status is not None
    assert (status.error, status.pid, status.next_try) == (report.trouble, os.getpid(), 5.0)
    assert not status.again
    report.enter(BACKING_OFF, "refused")
    status = report.status()
    assert status is not None
    assert status.error == "refused"


def test_what_no_node_can_do_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot go from starting to connected"):
        StateReport().enter(CONNECTED)
