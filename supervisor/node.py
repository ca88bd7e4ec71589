"""What the supervisor knows of one node."""

import logging
import time
from dataclasses import dataclass, field

from nodeproc.assignment import Exit
from nodeproc.backoff import Backoff
from nodeproc.logs.fold import Fold
from nodeproc.logs.speaker import about
from nodeproc.numbers.node import NodeNumbers
from nodeproc.sources.tcp.guard import Guard, Note
from nodeproc.states import NodeState
from nodeproc.wire.frames import Kind, pack
from nodeproc.wire.messages import NodeSpec, Status
from supervisor.children import Child
from supervisor.reconcile import Phase, Running

log = logging.getLogger("birdwatcher.supervisor")

RESPAWN_BASE = 0.5  # seconds
RESPAWN_CAP = 30.0
RESPAWN_STABLE = 60.0
STOP_MARGIN = 2.0  # seconds beyond its own bound before a stopping process is killed
MAX_UNREAD = 1024 * 1024  # bytes that a process may leave in its pipe before it is taken for hung
MAX_KILLERS = 16  # packets that are remembered to kill the node's process


def _respawn_backoff() -> Backoff:
    return Backoff(base=RESPAWN_BASE, cap=RESPAWN_CAP, stable=RESPAWN_STABLE)


@dataclass
class Node:
    """One node that has a process, or waits for its next one."""

    spec: NodeSpec
    numbers: NodeNumbers
    phase: Phase = Phase.RUNNING
    deadline: float | None = None
    child: Child | None = None
    state: NodeState = NodeState.STARTING
    ended_unasked: bool = False  # its last process, and no other has taken its place
    down: Status | None = None  # while it has no process: what the writer was told
    backoff: Backoff = field(default_factory=_respawn_backoff)
    fold: Fold = field(default_factory=lambda: Fold(log))
    note: Note | None = None  # after a crash: where its process notes what it is parsing
    killers: list[bytes] = field(default_factory=list)  # packets that killed its process

    def __str__(self) -> str:
        return f"node={self.spec.id} {self.spec}"

    @property
    def extra(self) -> dict[str, object]:
        """What marks a line of the log as one about this node."""
        return about(self.spec.id, self.spec.name)

    def running(self) -> Running:
        """Return this node in the words of `plan`."""
        return Running(self.spec, self.phase, self.deadline)

    def tell(self, raw: bytes) -> None:
        """Send a frame to its process, if it has one; a process that reads nothing has hung."""
        if self.child is None:
            return
        if self.child.channel.buffered > MAX_UNREAD:
            self.kill("does not read its pipe")
        else:
            self.child.channel.send_now(raw)

    def stop(self, patience: float) -> None:
        """Have its process drain, for so many seconds, and end."""
        self.phase = Phase.STOPPING
        self.deadline = time.monotonic() + patience + STOP_MARGIN
        self.tell(pack(Kind.STOP))

    def kill(self, why: str) -> None:
        """End its process at once."""
        log.error("%s: %s; killed", self, why, extra=self.extra)
        self.deadline = None
        if self.child:
            self.child.kill()

    def guard(self) -> Guard | None:
        """Return what its next process is to be careful with, if it has crashed before."""
        return Guard(self.note, self.killers) if self.note else None

    def learn(self, code: int, longest_packet: int) -> None:
        """From the end of its process: have the next one take notes, and read those of this one."""
        if code == Exit.TERMINATED:
            return
        if self.note is None:
            self.note = Note(longest_packet)
        elif packet := self.note.read():
            self.note.clear()
            self.killers = [*self.killers, packet][-MAX_KILLERS:]
            text = "%s: a packet of %d bytes killed its process; it will be rejected unread"
            log.error(text, self, len(packet), extra=self.extra)
