"""What the numbers of all nodes amount to."""

import pytest

from nodeproc.numbers.daemon import Summary
from nodeproc.numbers.node import Counts
from nodeproc.states import NodeState
from supervisor.metrics.statistics import Statistics, describe_nodes

STATES = {NodeState.CONNECTED: 2, NodeState.BACKING_OFF: 1}


def test_the_few_numbers_that_the_database_keeps() -> None:
    counts = Counts(events=18, retained=3, spooled=4, spooled_bytes=9, oldest=5_000_000)
    overview = Statistics().overview(STATES, counts)
    assert overview.total == counts
    assert overview.summary() == Summary(3, 2, 7, 4, 5.0, 0.0)
    assert overview.nodes == 3
    assert overview.states[NodeState.CRASHED] == 0


def test_without_a_node_everything_is_nothing() -> None:
    overview = Statistics().overview({}, Counts())
    assert overview.summary() == Summary(0, 0, 0, 0, None, 0.0)
    assert str(overview) == "0 nodes, 0 connected; 0 events/s"


def test_the_rate_is_that_of_the_last_interval() -> None:
    statistics = Statistics()

    def rate(events: int, now: float) -> float:
        return statistics.sample(STATES, Counts(events=events), now).events_per_second

    assert rate(1000, 50.0) == 0.0
    assert rate(1100, 55.0) == 20.0
    assert statistics.overview(STATES, Counts(events=9000)).events_per_second == 20.0
    assert rate(1110, 60.0) == 2.0
    assert rate(1110, 60.0) == 2.0


def test_the_totals_go_on_when_a_node_is_taken_away() -> None:
    statistics = Statistics()
    statistics.sample(STATES, Counts(events=140), 0.0)
    statistics.removed(Counts(events=100, rejected=3, retained=5, spooled=6, oldest=7))
    overview = statistics.sample(STATES, Counts(events=60), 5.0)
    assert overview.total == Counts(events=160, rejected=3)
    assert overview.events_per_second == 4.0


@pytest.mark.parametrize(
    ("states", "said"),
    [
        ({}, "0 nodes, 0 connected"),
        ({NodeState.CONNECTED: 1}, "1 node, 1 connected"),
        (
            {NodeState.CONNECTED: 2, NodeState.LIMITED: 1},
            "3 nodes, 2 connected, 1 limited",
        ),
        (
            {NodeState.BACKING_OFF: 3, NodeState.CONNECTED: 1409, NodeState.CRASHED: 0},
            "1,412 nodes, 1,409 connected, 3 backing off",
        ),
        (
            {NodeState.CRASHED: 1, NodeState.STARTING: 2},
            "3 nodes, 0 connected, 2 starting, 1 crashed",
        ),
    ],
)
def test_nodes_are_described_as_people_would(states: dict[NodeState, int], said: str) -> None:
    assert describe_nodes(states) == said


def test_the_line_tells_of_a_spool_only_if_there_is_one() -> None:
    overview = Statistics().overview({NodeState.CONNECTED: 1}, Counts(spooled=1204))
    assert str(overview) == "1 node, 1 connected; 0 events/s; 1,204 events spooled"
