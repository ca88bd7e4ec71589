"""What the supervisor knows of one node."""

import logging
from dataclasses import dataclass, field

from nodeproc.backoff import Backoff
from nodeproc.guard import Guard, Note
from nodeproc.logs import Fold, about
from nodeproc.states import NodeState
from nodeproc.tally import Tally
from nodeproc.task import Exit
from nodeproc.wire import NodeSpec, Status
from supervisor.children import Child
from supervisor.reconcile import Phase, Running

log = logging.getLogger("birdwatcher.supervisor")

RESPAWN_BASE = 0.5  # seconds
RESPAWN_CAP = 30.0
RESPAWN_STABLE = 60.0
MAX_KILLERS = 16  # packets that are remembered to kill the node's process


def _respawn_backoff() -> Backoff:
    return Backoff(base=RESPAWN_BASE, cap=RESPAWN_CAP, stable=RESPAWN_STABLE)


@dataclass
class Node:
    """One node that has a process, or waits for its next one."""

    spec: NodeSpec
    phase: Phase = Phase.RUNNING
    deadline: float | None = None
    child: Child | None = None
    state: NodeState = NodeState.STARTING
    down: Status | None = None  # while it has no process: what the writer was told
    tally: Tally = field(default_factory=Tally)
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
