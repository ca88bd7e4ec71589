"""The reconciler over time: whatever is asked for, the processes become what the table says."""

from dataclasses import replace

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

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
    plan,
)
from tests.property.effort import OF_A_MODEL

NODES = st.integers(1, 3)
PATIENCE = 2.0  # seconds until what was told to stop is killed, what crashed is started again


class Reconciling(RuleBasedStateMachine):
    """The node table, and the processes as the supervisor would have them."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.desired: dict[int, NodeSpec] = {}
        self.running: dict[int, Running] = {}
        self.started = dict.fromkeys((1, 2, 3), 0)  # processes, of each node

    # The table

    @rule(node=NODES, port=st.integers(1, 2))
    def save(self, node: int, port: int) -> None:
        restarts = self.desired[node].restarts if node in self.desired else 0
        self.desired[node] = NodeSpec(node, "Dartmoor", "10.0.3.2", port, restarts)

    @rule(node=NODES)
    def disable(self, node: int) -> None:
        self.desired.pop(node, None)

    @rule(node=NODES)
    def restart(self, node: int) -> None:
        if spec := self.desired.get(node):
            self.desired[node] = spec._replace(restarts=spec.restarts + 1)

    # The processes

    @rule(seconds=st.sampled_from([0.5, PATIENCE]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule(node=NODES)
    def process_ends(self, node: int) -> None:
        it = self.running.get(node)
        if it and it.phase is Phase.RUNNING:
            self.running[node] = replace(it, phase=Phase.CRASHED, deadline=self.now + PATIENCE)
        elif it and it.phase is Phase.STOPPING:
            del self.running[node]

    @rule()
    def reconcile(self) -> None:
        for action in plan(self.desired, self.running, self.now):
            self.act(action)

    def act(self, action: Action) -> None:
        number = action.spec.id
        it = self.running.get(number)
        match action:
            case Start(spec):
                assert it is None or it.phase is Phase.CRASHED, "one process of a node at a time"
                self.running[number] = Running(spec, Phase.RUNNING)
                self.started[number] += 1
            case Configure(spec):
                assert it is not None
                assert it.phase is Phase.RUNNING
                assert it.spec.restarts == spec.restarts, "a restart takes a new process"
                self.running[number] = Running(spec, Phase.RUNNING)
            case Stop():
                assert it is not None
                assert it.phase is Phase.RUNNING
                self.running[number] = replace(it, phase=Phase.STOPPING, deadline=self.now + 1)
            case Kill() | Forget():
                del self.running[number]

    # What must hold

    def settle(self) -> None:
        for _ in range(6):
            self.reconcile()
            self.now += PATIENCE

    def teardown(self) -> None:
        self.settle()
        assert {number: it.spec for number, it in self.running.items()} == self.desired
        assert all(it.phase is Phase.RUNNING for it in self.running.values())
        before = dict(self.started)
        for number in self.desired:
            self.restart(number)
        self.settle()
        assert self.started == {
            number: count + (number in self.desired) for number, count in before.items()
        }
        assert plan(self.desired, self.running, self.now) == []


TestReconciling = Reconciling.TestCase
TestReconciling.settings = OF_A_MODEL
