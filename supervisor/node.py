"""One node, as the supervisor sees it."""

import logging
import time
from dataclasses import dataclass, field
from typing import Protocol

from nodeproc.assignment import Exit
from nodeproc.backoff import Backoff
from nodeproc.logs.fold import Fold
from nodeproc.logs.speaker import about
from nodeproc.numbers.node import NodeNumbers
from nodeproc.sources.tcp.guard import Guard
from nodeproc.states import NodeState
from nodeproc.wire.frames import Frame, Kind, pack
from nodeproc.wire.messages import NodeSpec, Status
from supervisor.children import Child
from supervisor.reconcile import Phase, Running

log = logging.getLogger("birdwatcher.supervisor")

RESPAWN_BASE = 0.5  # seconds
RESPAWN_CAP = 30.0
RESPAWN_STABLE = 60.0
STOP_MARGIN = 2.0  # seconds beyond its own bound before a stopping process is killed
MAX_UNREAD = 1024 * 1024  # bytes unread in its pipe before a process counts as hung


def _respawn_backoff() -> Backoff:
    return Backoff(base=RESPAWN_BASE, cap=RESPAWN_CAP, stable=RESPAWN_STABLE)


class NodeOwner(Protocol):
    """The fleet that a node belongs to."""

    def node_sent(self, node: "Node", frame: Frame) -> None:
        """Hand on a frame from a node's process."""

    def node_ended(self, node: "Node", code: int) -> None:
        """Take note that the process of a node is gone, and that all it sent was handed on."""


@dataclass
class Node:
    """One node that has a process, or waits for its next one. Implements `ChildOwner`."""

    spec: NodeSpec
    numbers: NodeNumbers
    owner: NodeOwner
    phase: Phase = Phase.RUNNING
    deadline: float | None = None
    child: Child | None = None
    state: NodeState = NodeState.STARTING
    ended_unasked: bool = False  # its last process, which has not been replaced yet
    down: Status | None = None  # while it has no process: its state as reported to the writer
    backoff: Backoff = field(default_factory=_respawn_backoff)
    fold: Fold = field(default_factory=lambda: Fold(log))
    guard: Guard | None = None  # after a crash

    def __str__(self) -> str:
        return f"node={self.spec.id} {self.spec}"

    @property
    def extra(self) -> dict[str, object]:
        """The `extra` of a log line about this node."""
        return about(self.spec.id, self.spec.name)

    def running(self) -> Running:
        """Return this node in the form that `plan` takes."""
        return Running(self.spec, self.phase, self.deadline)

    def send(self, raw: bytes) -> None:
        """Send a frame to its process, if it has one; kill one that does not read its pipe."""
        if self.child is None:
            return
        if self.child.channel.buffered > MAX_UNREAD:
            self.kill("does not read its pipe")
        else:
            self.child.channel.send_now(raw)

    def stop(self, patience: float) -> None:
        """Have its process drain, for at most `patience` seconds, and end."""
        self.phase = Phase.STOPPING
        self.deadline = time.monotonic() + patience + STOP_MARGIN
        self.send(pack(Kind.STOP))

    def kill(self, why: str) -> None:
        """End its process at once."""
        log.error("%s: %s; killed", self, why, extra=self.extra)
        self.deadline = None
        if self.child:
            self.child.kill()

    def learn(self, code: int, longest_packet: int) -> None:
        """Learn from the end of its process: guard the next one, or read what killed this one."""
        if code == Exit.TERMINATED:
            return
        if self.guard is None:
            self.guard = Guard(longest_packet)
        elif packet := self.guard.learn():
            text = "%s: a packet of %d bytes killed its process; it will be rejected unread"
            log.error(text, self, len(packet), extra=self.extra)

    # What its process reports

    def child_sent(self, frame: Frame) -> None:
        """Let the owner hand the frame on."""
        self.owner.node_sent(self, frame)

    def child_drained(self) -> None:
        """Do nothing: what goes to a node process is bounded by `MAX_UNREAD`."""

    def child_ended(self, code: int) -> None:
        """Let the owner decide what follows."""
        self.owner.node_ended(self, code)
