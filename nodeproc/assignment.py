"""What a node process is told to do, within which bounds, and how it says that it has ended."""

import enum
from dataclasses import dataclass, field
from pathlib import Path

from nodeproc.limits import NodeLimits
from nodeproc.numbers.node import NodeNumbers
from nodeproc.sources.tcp.guard import Guard
from nodeproc.wire.messages import NodeSpec


class Exit(enum.IntEnum):
    """The exit codes of a node process. What was not acknowledged is in the spool at each of them,
    but for `LOST`."""

    DRAINED = 0  # stopped, and everything received is in the database
    CRASHED = 70  # a bug; its traceback is in the log
    SPOOLED = 71  # stopped, and time ran out before everything was acknowledged
    ORPHANED = 72  # the supervisor is gone
    TERMINATED = 73  # by SIGTERM
    LOST = 74  # the spool did not take what was not acknowledged; the log says how much that was


@dataclass(frozen=True)
class Assignment:
    """What a node process is to do."""

    spec: NodeSpec
    limits: NodeLimits
    spool_dir: Path
    generation: int  # of the writer
    connect: bool = True  # else only have committed what an earlier process left in the spool
    guard: Guard | None = None  # after a crash
    numbers: NodeNumbers = field(default_factory=NodeNumbers)
