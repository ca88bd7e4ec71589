"""What the numbers of all nodes amount to."""

import pytest

from nodeproc.board import Summary
from nodeproc.states import NodeState
from nodeproc.tally import Counts
from nodeproc.wire import NodeSpec
from supervisor.statistics import Reading, Statistics, describe_nodes


def reading(node: int, state: NodeState = NodeState.CONNECTED, **counts: int) -> Reading:
    return Reading(NodeSpec(node, f"node {node}", "127.0.0.1", 9999), state, Counts(**counts))


def test_readings_are_added_up_and_the_oldest_is_the_oldest_of_all() -> None:
    overview = Statistics().overview(
        [
            reading(1, events=5, retained=2, oldest=7_000_000),
            reading(2, NodeState.BACKING_OFF, events=6, spooled=4, spooled_bytes=9),
            reading(3, events=7, retained=1, oldest=5_000_000),
        ]
    )
    assert overview.total.events == 18
    assert overview.total.spooled_bytes == 9
    assert overview.summary() == Summary(3, 2, 7, 4, 5.0, 0.0)
    assert overview.nodes == 3


def test_without_a_node_everything_is_nothing() -> None:
    overview = Statistics().overview([])
    assert overview.summary() == Summary(0, 0, 0, 0, None, 0.0)
    assert str(overview) == "0 nodes, 0 connected; 0 events/s"


def test_the_rate_is_that_of_the_last_interval() -> None:
    statistics = Statistics()
    assert statistics.sample([reading(1, events=1000)], 50.0).events_per_second == 0.0
    assert statistics.sample([reading(1, events=1100)], 55.0).events_per_second == 20.0
    assert statistics.overview([reading(1, events=9000)]).events_per_second == 20.0
    assert statistics.sample([reading(1, events=1110)], 60.0).events_per_second == 2.0
    assert statistics.sample([reading(1, events=1110)], 60.0).events_per_second == 2.0


def test_the_totals_go_on_when_a_node_is_taken_away() -> None:
    statistics = Statistics()
    gone = reading(1, events=100, rejected=3, retained=5, spooled=6, oldest=7).counts
    statistics.sample([reading(1, events=90), reading(2, events=50)], 0.0)
    statistics.removed(gone)
    overview = statistics.sample([reading(2, events=60)], 5.0)
    assert overview.total == Counts(events=160, rejected=3)
    assert overview.events_per_second == 4.0


@pytest.mark.parametrize(
    ("states", "said"),
    [
        ({}, "0 nodes, 0 connected"),
        ({NodeState.CONNECTED: 1}, "1 node, 1 connected"),
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
    overview = Statistics().overview([reading(1, spooled=1204)])
    assert str(overview) == "1 node, 1 connected; 0 events/s; 1,204 events spooled"
