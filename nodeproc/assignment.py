"""The assignment of a node process, and the exit codes with which it ends."""

import enum
from dataclasses import dataclass, field
from pathlib import Path

from nodeproc.limits import NodeLimits
from nodeproc.numbers.node import NodeNumbers
from nodeproc.sources.tcp.guard import Guard
from nodeproc.wire.messages import NodeSpec


class Exit(enum.IntEnum):
    """Exit codes of a node process. At all but `LOST`, the spool has what was not acknowledged."""

    DRAINED = 0  # stopped, and everything received is in the database
    CRASHED = 70  # a bug; its traceback is in the log
    SPOOLED = 71  # stopped, and time ran out before everything was acknowledged
    ORPHANED = 72  # the supervisor is gone
    TERMINATED = 73  # by SIGTERM
    LOST = 74  # the spool did not take what was not acknowledged; the log says how much


@dataclass(frozen=True)
class Assignment:
    """What one node process has to do, and within which limits."""

    spec: NodeSpec
    limits: NodeLimits
    spool_dir: Path
    generation: int  # of the writer
    connect: bool = True  # else only send what an earlier process left in the spool
    guard: Guard | None = None  # after a crash
    aside: tuple[str, ...] = ()  # names of files that may be earlier spools of this node
    numbers: NodeNumbers = field(default_factory=NodeNumbers)
    halted: str = ""  # why to read nothing for now
