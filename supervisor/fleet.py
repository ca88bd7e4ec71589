"""The node processes: one per enabled node, started, told, stopped and started again."""

import asyncio
import contextlib
import logging
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from nodeproc.assignment import Assignment, Exit
from nodeproc.delivery.spool import spooled
from nodeproc.limits import NodeLimits
from nodeproc.logs.fold import Fold
from nodeproc.numbers.node import Counts, FleetNumbers
from nodeproc.process import run_node
from nodeproc.states import NodeState
from nodeproc.wire.frames import Kind, pack
from nodeproc.wire.messages import Adjustment, NodeSpec, Status
from supervisor.children import Child, describe_exit
from supervisor.metrics.statistics import Reading, Statistics
from supervisor.node import Node
from supervisor.reconcile import (
    Action,
    Configure,
    Forget,
    Kill,
    Phase,
    Start,
    Stop,
    next_deadline,
    plan,
    plan_one,
)
from supervisor.relay import Relay

log = logging.getLogger("birdwatcher.supervisor")

OOM_SCORE = 500  # a node's process is the first to go, and the least loss
SURVEY_INTERVAL = 30.0  # seconds between two looks for spools that nobody is committing
START_STALLED = 30.0  # seconds without a new process: something else is wrong


class Fleet:
    """Keeps the node processes as the node table asks for."""

    def __init__(
        self,
        limits: NodeLimits,
        spool_dir: Path,
        lock: int,
        *,
        to_writer: Callable[[bytes], None],
        on_change: Callable[[], None],
    ) -> None:
        """`lock`: the descriptor that every node process keeps open, for `supervisor.lock`.

        `to_writer(raw)` relays a frame; `on_change()` is called when a node's state changed.
        """
        self._limits = limits
        self._spool_dir = spool_dir
        self._lock = lock
        self._is_told = False  # which nodes are wanted
        self._forked_at = 0.0  # monotonic
        self._next_survey = 0.0  # of the spools, monotonic
        self._stopping = False
        self._on_change = on_change
        self._desired: dict[int, NodeSpec] = {}
        self._nodes: dict[int, Node] = {}
        self._numbers = FleetNumbers()
        self._fold = Fold(log)
        self._wake = asyncio.Event()
        self.relay = Relay(self._nodes, to_writer=to_writer, on_change=on_change)
        self.statistics = Statistics()
        self.restarts = 0  # processes that took the place of one that ended unasked
        self.gone = asyncio.Event()  # set while no node has a process, or waits for its next one
        self.gone.set()

    def __len__(self) -> int:
        """How many nodes have a process, or are waiting for their next one."""
        return len(self._nodes)

    def states(self) -> Counter[NodeState]:
        """How many nodes are in which state."""
        return Counter(node.state for node in self._nodes.values())

    @property
    def settled(self) -> bool:
        """Whether every node that is wanted has its process, or will have one after a crash."""
        return self._is_told and self._desired.keys() <= self._nodes.keys()

    @property
    def is_starting(self) -> bool:
        """Whether processes that are wanted are still being started, one after the other."""
        lately = time.monotonic() - self._forked_at < START_STALLED
        return self._is_told and not self.settled and lately

    def readings(self) -> list[Reading]:
        """Return the numbers of every node at this moment."""
        return [Reading(it.spec, it.state, it.numbers.read()) for it in self._nodes.values()]

    def total(self) -> Counts:
        """Return what the numbers of all nodes amount to at this moment."""
        return self._numbers.total()

    def pids(self) -> list[tuple[int, int]]:
        """Return each node that has a process, with that process's id."""
        return [(it.spec.id, it.child.pid) for it in self._nodes.values() if it.child]

    def want(self, specs: list[NodeSpec]) -> None:
        """From now on these nodes are to have a process, and no others."""
        self._desired = {spec.id: spec for spec in specs}
        self._is_told = True
        self._wake.set()
        self._on_change()

    def stop(self) -> None:
        """From now on no node is to have a process."""
        self._stopping = True
        self.want([])
        for node in self._nodes.values():
            if node.phase is Phase.REPLAYING:
                node.stop(self._limits.drain_timeout)

    async def reconcile_forever(self) -> None:
        """Act on every change, and on every deadline."""
        while True:
            self._wake.clear()
            now = time.monotonic()
            if now >= self._next_survey and self._is_told:
                self._next_survey = now + SURVEY_INTERVAL
                await self._replay_leftovers()
            running = {number: node.running() for number, node in self._nodes.items()}
            for action in plan(self._desired, running, now):
                if self._is_current(action, now):
                    self._act(action)
                    await asyncio.sleep(0)  # others get their turn between two forks
            await self._until_something_is_due()

    def _is_current(self, action: Action, now: float) -> bool:
        """Whether `action` is still right: a process may have ended since it was planned."""
        number = action.spec.id
        node = self._nodes.get(number)
        return action == plan_one(self._desired.get(number), node.running() if node else None, now)

    async def _until_something_is_due(self) -> None:
        deadline = next_deadline(node.running() for node in self._nodes.values())
        due = self._next_survey if deadline is None else min(deadline, self._next_survey)
        timeout = max(due - time.monotonic(), 0)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout if self._is_told else None):
                await self._wake.wait()

    def _act(self, action: Action) -> None:
        if isinstance(action, Start):
            self._start(action.spec)
            return
        node = self._nodes[action.spec.id]
        match action:
            case Configure(spec):
                node.spec = spec
                node.tell(pack(Kind.CONFIGURE, spec))
            case Stop():
                node.stop(self._limits.drain_timeout)
            case Kill():
                node.kill("did not stop in time")
            case Forget():
                self._forget(node)

    # Start, stop, death

    def _start(self, spec: NodeSpec) -> None:
        node = self._nodes.get(spec.id) or self._add(spec)
        node.spec, node.phase, node.deadline, node.down = spec, Phase.RUNNING, None, None
        node.state = NodeState.STARTING
        self._fork(node, connect=True)

    async def _replay_leftovers(self) -> None:
        """Have spools committed whose nodes are not wanted."""
        try:
            leftovers = spooled(self._spool_dir)
        except OSError as error:  # no descriptor left, or the disk fails: the nodes go on
            why = f"the spools cannot be listed: {error.strerror}"
            self._fold(logging.ERROR, why, f"{why}; next try in {SURVEY_INTERVAL:g} s")
            return
        for _, number in leftovers:
            wanted = number in self._desired or number in self._nodes
            if not (wanted or self._stopping):
                self._replay(NodeSpec(number, "(not enabled)", "0.0.0.0", 0))  # noqa: S104
                await asyncio.sleep(0)

    def _replay(self, spec: NodeSpec) -> None:
        """Have what an earlier process of a node left in its spool committed, no more."""
        node = self._add(spec)
        node.phase, node.state = Phase.REPLAYING, NodeState.STOPPED
        self._fork(node, connect=False)

    def _add(self, spec: NodeSpec) -> Node:
        node = self._nodes[spec.id] = Node(spec, self._numbers.take())
        self.gone.clear()
        return node

    def _fork(self, node: Node, *, connect: bool) -> None:
        limits, guard = self._limits, node.guard()
        generation = self.relay.generation
        assignment = Assignment(
            node.spec, limits, self._spool_dir, generation, connect, guard, node.numbers
        )
        try:
            node.child = Child(
                run_node,
                (assignment,),
                on_frame=lambda frame: self.relay.from_node(node, frame),
                on_ended=lambda code: self._ended(node, code),
                keep=self._lock,
                oom_score=OOM_SCORE,
            )
        except OSError as error:
            self._crashed(node, f"cannot start a process: {error.strerror}")
            return
        node.backoff.succeeded()
        self.restarts += node.ended_unasked
        node.ended_unasked = False
        self._forked_at = time.monotonic()
        self.relay.begin(node.child)
        self._on_change()

    def _forget(self, node: Node) -> None:
        self._remove(node)
        self._report(node, NodeState.STOPPED)

    def _remove(self, node: Node) -> None:
        del self._nodes[node.spec.id]
        self.statistics.removed(node.numbers.read())
        self._numbers.give_back(node.numbers)  # its process, if it had one, is dead: see Child
        if not self._nodes:
            self.gone.set()

    def _ended(self, node: Node, code: int) -> None:
        """The process of `node` is gone, and all that it sent has been relayed."""
        if node.child:
            self.relay.end(node.child)
        node.child = None
        node.numbers.process_ended()
        if node.phase is Phase.RUNNING:
            node.ended_unasked = True
            node.learn(code, self._limits.max_packet_bytes)
            self._crashed(node, f"its process ended unasked: {describe_exit(code)}")
        else:
            self._remove(node)
            self._stopped(node, code)
        self._wake.set()

    def _stopped(self, node: Node, code: int) -> None:
        """A process that was told to end, or only had a spool to replay, has ended."""
        if code == Exit.DRAINED:
            node.state = NodeState.STOPPED
            self._on_change()
            return
        why = "what it retained is in its spool" if code == Exit.SPOOLED else describe_exit(code)
        log.warning("%s: ended before all was committed: %s", node, why, extra=node.extra)
        self._report(node, NodeState.STOPPED, why)

    def _crashed(self, node: Node, why: str) -> None:
        delay = node.backoff.failed()
        node.phase, node.deadline = Phase.CRASHED, time.monotonic() + delay
        says = f"{node}: {why}; next process in {delay:.1f} s"
        node.fold(logging.ERROR, why, says, node.extra)
        self._report(node, NodeState.CRASHED, why, time.time() + delay)
        self._wake.set()

    def _report(
        self, node: Node, state: NodeState, why: str = "", next_try: float | None = None
    ) -> None:
        """Tell about a node that has no process to tell."""
        node.state = state
        node.down = Status(state.value, time.time(), None, False, why, next_try)
        self.relay.node_down(node)

    # All of them

    def adjust(self, limits: NodeLimits) -> None:
        """Keep to these limits, and to the supervisor's log level, in every process from now on."""
        self._limits = limits
        adjustment = Adjustment(limits, logging.getLogger().level)
        for node in self._nodes.values():
            node.tell(pack(Kind.LIMITS, adjustment))

    def _children(self) -> Iterator[Child]:
        return (node.child for node in self._nodes.values() if node.child)

    def terminate(self) -> None:
        """Have every node process spool what it retains, and end."""
        for child in self._children():
            child.signal(signal.SIGTERM)

    def kill(self) -> None:
        """End every node process at once."""
        for child in self._children():
            child.kill()
