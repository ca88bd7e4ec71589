"""The node processes: one per enabled node, started, configured, stopped and started again."""

import asyncio
import contextlib
import dataclasses
import logging
import signal
import time
from pathlib import Path

from nodeproc.assignment import Assignment, Exit
from nodeproc.delivery.reserve import Reserve
from nodeproc.limits import NodeLimits
from nodeproc.logs.fold import Fold
from nodeproc.process import run_node
from nodeproc.states import NodeState
from nodeproc.wire.frames import Frame, Kind, pack
from nodeproc.wire.messages import Adjustment, NodeSpec, Status
from supervisor.children import Child, describe_exit
from supervisor.leftovers import Leftovers
from supervisor.node import Node
from supervisor.protocols import FleetOwner, ToWriter
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
from supervisor.resources import allowed, shortages, words_for
from supervisor.room import shared, wanted
from supervisor.roster import Roster
from supervisor.table import NodeTable

log = logging.getLogger("birdwatcher.supervisor")

OOM_SCORE = 500  # the kernel kills a node's process first: it is the least loss
SURVEY_INTERVAL = 30.0  # seconds between two looks for spools that no process replays
START_STALLED = 30.0  # seconds without a new process: the start is no longer merely slow


class Fleet:
    """Keeps the node processes as the node table says. Implements `NodeOwner`."""

    def __init__(
        self, limits: NodeLimits, spool_dir: Path, lock: int, writer: ToWriter, owner: FleetOwner
    ) -> None:
        """`lock`: the descriptor that every node process keeps open, for `supervisor.lock`."""
        self._limits = limits
        self._given = limits  # to the processes: what they hold has room in the reserve
        self.reserve = Reserve(spool_dir)
        self._spool_dir = spool_dir
        self._lock = lock
        self._owner = owner
        self._forked_at = 0.0  # monotonic
        self._next_survey = 0.0  # of the spools, monotonic
        self._stopping = False
        self._table = NodeTable()
        self._desired: dict[int, NodeSpec] = {}
        self._leftovers = Leftovers(spool_dir)
        self._fold = Fold(log)
        self._wake = asyncio.Event()
        self.roster = Roster()
        self.relay = Relay(self.roster, writer, owner)
        self.standing_by = ""  # why no node is connected: another daemon has the database
        self.halted = ""  # why nothing is read from the nodes; empty if it is
        self.lost = 0  # events, at the end
        self.restarts = 0  # processes that took the place of one that ended unasked

    @property
    def settled(self) -> bool:
        """Whether every node that is wanted has its process, or will have one after a crash."""
        return self._table.is_known and all(number in self.roster for number in self._desired)

    @property
    def is_starting(self) -> bool:
        """Whether processes that are wanted are still being started, one after the other."""
        lately = time.monotonic() - self._forked_at < START_STALLED
        return self._table.is_known and not self.settled and lately

    @property
    def missing(self) -> int:
        """How many nodes have no row in the database, and something here that waits for it."""
        return self._table.held + self._leftovers.missing

    def table_sent(self, specs: list[NodeSpec]) -> None:
        """Keep a process for each of these nodes that is enabled, and for no others."""
        self._table.update(specs, time.monotonic(), self._limits.vanished_wait)
        self.relay.rows_known(self._table.rows)
        self._next_survey = 0.0
        self.standing_by = ""
        self._want(self._table.wanted)

    def stand_by(self, why: str) -> None:
        """Disconnect from every node and start nothing, until the writer sends the node table."""
        if self._stopping:
            return
        if not self.standing_by:
            log.error("%s: disconnecting from all nodes until it has ended", why.rstrip("."))
        self.standing_by = why
        self._table.release()
        self._want({})

    def _want(self, nodes: dict[int, NodeSpec]) -> None:
        self._desired = nodes
        for why in shortages(len(nodes), allowed()):
            self._fold(logging.ERROR, why, why)
        self._wake.set()
        self._owner.situation_changed()

    def stop(self) -> None:
        """Stop every process, and start no other from now on."""
        self._stopping = True
        self._table.release()
        self._want({})
        for node in self.roster:
            if node.phase is Phase.REPLAYING:
                node.stop(self._limits.end_timeout)

    async def reconcile_forever(self) -> None:
        """Act on every change, and on every deadline."""
        while True:
            self._wake.clear()
            now = time.monotonic()
            if self._table.give_up(now):
                self._want(self._table.wanted)
            if now >= self._next_survey and self._table.is_known:
                self._next_survey = now + SURVEY_INTERVAL
                if not self.standing_by:
                    await self._keep_reserve()
                    await self._replay_leftovers()
            running = {node.spec.id: node.running() for node in self.roster}
            for action in plan(self._desired, running, now):
                if self._is_current(action, now):
                    self._act(action)
                    await asyncio.sleep(0)  # give others a turn between two forks
            await self._until_something_is_due()

    def _is_current(self, action: Action, now: float) -> bool:
        """Whether `action` is still right: a process may have ended since it was planned."""
        number = action.spec.id
        node = self.roster.get(number)
        return action == plan_one(self._desired.get(number), node.running() if node else None, now)

    async def _until_something_is_due(self) -> None:
        deadline = next_deadline(node.running() for node in self.roster)
        due = self._next_survey if deadline is None else min(deadline, self._next_survey)
        due = min(due, self._table.until)
        timeout = max(due - time.monotonic(), 0)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout if self._table.is_known else None):
                await self._wake.wait()

    def _act(self, action: Action) -> None:
        if isinstance(action, Start):
            self._start(action.spec)
            return
        node = self.roster.get(action.spec.id)
        assert node is not None  # noqa: S101 for the type checker: the action is current
        match action:
            case Configure(spec):
                node.spec = spec
                node.send(pack(Kind.CONFIGURE, spec))
            case Stop():
                node.stop(self._limits.end_timeout)
            case Kill():
                node.kill("did not stop in time")
            case Forget():
                self._forget(node)

    # Start, stop, death

    def _start(self, spec: NodeSpec) -> None:
        node = self.roster.get(spec.id) or self.roster.add(spec, self)
        node.spec, node.phase, node.deadline, node.down = spec, Phase.RUNNING, None, None
        node.state = NodeState.STARTING
        self._fork(node, connect=True)

    async def _keep_reserve(self) -> None:
        """Keep room on the disk for what the processes hold, and let them hold no more than that.

        At the end of the daemon, on a full disk, there is no other place for it.
        """
        nodes, size = len(self._desired), 0
        try:
            for reached in self.reserve.extend(wanted(self._limits, nodes)):
                size = reached
                await asyncio.sleep(0)
        except BlockingIOError:  # a process is just taking from it
            return
        except OSError as error:
            why = f"no room can be kept on the disk of the spools: {error.strerror}"
            self._fold(logging.ERROR, why, f"{why}; the processes of nodes keep less in memory")
        limits = shared(self._limits, nodes, size)
        if limits != self._given:
            self._give(limits)

    def _give(self, limits: NodeLimits) -> None:
        """Have every process keep to these limits, and to the supervisor's log level."""
        self._given = limits
        adjustment = Adjustment(limits, logging.getLogger().level)
        for node in self.roster:
            node.send(pack(Kind.LIMITS, adjustment))

    async def _replay_leftovers(self) -> None:
        """Start processes that replay the spools of nodes that are not wanted."""
        busy = self._desired.keys() | {node.spec.id for node in self.roster}
        try:
            leftovers = list(self._leftovers.survey(self._table.rows, busy, self._limits))
        except OSError as error:  # no descriptor is left, or the disk fails; the nodes go on
            why = f"the spools cannot be listed: {error.strerror}"
            self._fold(logging.ERROR, why, f"{why}; next try in {SURVEY_INTERVAL:g} s")
            return
        for spec in leftovers:
            if not (spec.id in self._desired or spec.id in self.roster or self._stopping):
                self._replay(spec)
                await asyncio.sleep(0)

    def _replay(self, spec: NodeSpec) -> None:
        """Start a process that only replays the node's spool."""
        node = self.roster.add(spec, self)
        node.phase, node.state = Phase.REPLAYING, NodeState.STOPPED
        self._fork(node, connect=False)

    def _fork(self, node: Node, *, connect: bool) -> None:
        assignment = Assignment(
            node.spec, self._given, self._spool_dir, self.relay.generation, connect, node.guard,
            self._leftovers.offer(node.spec), node.numbers, self.halted,
        )  # fmt: skip
        try:
            node.child = Child(run_node, (assignment,), node, keep=self._lock, oom_score=OOM_SCORE)
        except OSError as error:
            self._crashed(node, f"cannot start a process: {words_for(error)}", self._fold)
            return
        node.backoff.succeeded()
        self.restarts += node.ended_unasked
        node.ended_unasked = False
        self._forked_at = time.monotonic()
        self.relay.begin(node.child)
        self._owner.situation_changed()

    def _forget(self, node: Node) -> None:
        self.roster.remove(node)
        self._report(node, NodeState.STOPPED)

    # From the nodes

    def node_sent(self, node: Node, frame: Frame) -> None:
        """Hand on a frame from a node's process."""
        self.relay.from_node(node, frame)

    def node_ended(self, node: Node, code: int) -> None:
        """Decide what follows the end of a process: another one, or none."""
        if node.child:
            self.relay.end(node.child)
        node.child = None
        self._count_lost(node, code)
        node.numbers.process_ended()
        if node.phase is Phase.RUNNING:
            node.ended_unasked = True
            node.learn(code, self._limits.max_packet_bytes)
            self._crashed(node, f"its process ended unasked: {describe_exit(code)}")
        else:
            self.roster.remove(node)
            self._stopped(node, code)
        self._wake.set()

    def _count_lost(self, node: Node, code: int) -> None:
        """Take note of what a process had in memory, if it was lost with it."""
        events = node.numbers.read().retained
        if not events or (code >= 0 and code != Exit.LOST):
            return
        why = "could not be spooled" if code == Exit.LOST else describe_exit(code)
        log.critical("%s: up to %d events lost: %s", node, events, why, extra=node.extra)
        self.lost += events if self._stopping else 0

    def _stopped(self, node: Node, code: int) -> None:
        """Report the end of a process that was to end, or only had a spool to replay."""
        if code == Exit.DRAINED:
            node.state = NodeState.STOPPED
            self._owner.situation_changed()
            return
        spooled = "what it retained is in its spool"
        why = spooled if code == Exit.SPOOLED else describe_exit(code)
        log.warning("%s: ended before all was committed: %s", node, why, extra=node.extra)
        self._report(node, NodeState.STOPPED, why)

    def _crashed(self, node: Node, why: str, fold: Fold | None = None) -> None:
        """Start another process later. With `fold`, what concerns many nodes is logged once."""
        delay = node.backoff.failed()
        node.phase, node.deadline = Phase.CRASHED, time.monotonic() + delay
        says = f"{node}: {why}; next process in {delay:.1f} s"
        (fold or node.fold)(logging.ERROR, why, says, node.extra)
        self._report(node, NodeState.CRASHED, why, time.time() + delay)
        self._wake.set()

    def _report(
        self, node: Node, state: NodeState, why: str = "", next_try: float | None = None
    ) -> None:
        """Report the state of a node that has no process to report it."""
        node.state = state
        node.down = Status(state.value, time.time(), None, False, why, next_try)
        self.relay.node_down(node)

    # All of them

    def adjust(self, limits: NodeLimits) -> None:
        """Keep to these limits, and to the supervisor's log level, in every process from now on."""
        retained = min(limits.retained_bytes, self._given.retained_bytes)
        self._limits = limits
        self._give(dataclasses.replace(limits, retained_bytes=retained))
        self._next_survey = 0.0
        self._wake.set()

    def halt(self, why: str) -> None:
        """Have nothing read from any node, for this reason; with an empty one, read them again."""
        self.halted = why
        for node in self.roster:
            node.send(pack(Kind.HALT, why))
        self._owner.situation_changed()

    def terminate(self) -> None:
        """Make every node process spool what it retains, and end."""
        for _, child in self.roster.children():
            child.signal(signal.SIGTERM)

    def kill(self) -> None:
        """End every node process at once."""
        for _, child in self.roster.children():
            child.kill()
