"""The reconciler, as a table: what is wanted, what is there, what is to be done."""

import pytest

from nodeproc.wire.messages import NodeSpec
from supervisor.reconcile import (
    Action,
    Configure,
    Forget,
    Kill,
    Phase,
    Running,
    Start,
    Stop,
    next_deadline,
    plan,
)

NOW = 100.0
A = NodeSpec(1, "Dartmoor", "10.0.3.2", 9999)
RENAMED = A._replace(name="Dartmoor East")
MOVED = A._replace(port=9998)
RESTARTED = A._replace(restarts=1)
B = NodeSpec(2, "Exmoor", "10.0.3.3", 9999)


@pytest.mark.parametrize(
    ("desired", "there", "actions"),
    [
        # nothing there
        (None, None, []),
        (A, None, [Start(A)]),
        # running
        (A, Running(A, Phase.RUNNING), []),
        (RENAMED, Running(A, Phase.RUNNING), [Configure(RENAMED)]),
        (MOVED, Running(A, Phase.RUNNING), [Configure(MOVED)]),
        (None, Running(A, Phase.RUNNING), [Stop(A)]),
        (RESTARTED, Running(A, Phase.RUNNING), [Stop(A)]),
        (RESTARTED._replace(port=9998), Running(A, Phase.RUNNING), [Stop(A)]),
        (RESTARTED, Running(RESTARTED, Phase.RUNNING), []),
        # told to stop
        (None, Running(A, Phase.STOPPING, NOW + 1), []),
        (A, Running(A, Phase.STOPPING, NOW + 1), []),
        (None, Running(A, Phase.STOPPING, NOW), [Kill(A)]),
        (MOVED, Running(A, Phase.STOPPING, NOW), [Kill(A)]),
        (None, Running(A, Phase.STOPPING, None), []),  # killed, and not yet buried
        (RESTARTED, Running(A, Phase.STOPPING, NOW + 1), []),
        (RESTARTED, Running(A, Phase.STOPPING, NOW), [Kill(A)]),
        (RESTARTED, None, [Start(RESTARTED)]),
        # having its spool committed
        (None, Running(A, Phase.REPLAYING), []),
        (MOVED, Running(A, Phase.REPLAYING), []),
        # crashed
        (A, Running(A, Phase.CRASHED, NOW + 1), []),
        (A, Running(A, Phase.CRASHED, NOW), [Start(A)]),
        (MOVED, Running(A, Phase.CRASHED, NOW - 1), [Start(MOVED)]),
        (RESTARTED, Running(A, Phase.CRASHED, NOW + 9), [Start(RESTARTED)]),
        (None, Running(A, Phase.CRASHED, NOW + 1), [Forget(A)]),
    ],
)
def test_one_node(desired: NodeSpec | None, there: Running | None, actions: list[Action]) -> None:
    wanted = {desired.id: desired} if desired else {}
    running = {there.spec.id: there} if there else {}
    assert plan(wanted, running, NOW) == actions


def test_stops_come_before_starts_and_no_node_touches_another() -> None:
    running = {1: Running(A, Phase.RUNNING), 3: Running(B._replace(id=3), Phase.CRASHED, NOW + 9)}
    wanted = {2: B, 3: B._replace(id=3)}
    assert plan(wanted, running, NOW) == [Stop(A), Start(B)]


def test_the_next_deadline_is_the_earliest() -> None:
    there = [
        Running(A, Phase.RUNNING),
        Running(A, Phase.CRASHED, 7.0),
        Running(B, Phase.STOPPING, 5.0),
    ]
    assert next_deadline(there) == 5.0
    assert next_deadline(there[:1]) is None
