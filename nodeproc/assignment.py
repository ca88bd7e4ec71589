"""What a node process is told to do, within which bounds, and how it says that it has ended."""

import enum
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from nodeproc.delivery.spool import SpoolLimits
from nodeproc.numbers.tally import Tally
from nodeproc.sources.tcp.guard import Guard
from nodeproc.wire import NodeSpec


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
class NodeLimits:
    """What bounds a node process."""

    max_packet_bytes: int = 64 * 1024
    connect_timeout: float = 2.5  # seconds
    backoff_cap: float = 3.0  # seconds
    retained_bytes: int = 1024 * 1024  # unacknowledged, before it stops reading the socket
    drain_timeout: float = 5.0  # seconds to wait for acknowledgements when stopped
    stall_timeout: float = 30.0  # seconds without a byte in the middle of a packet


class Adjustment(NamedTuple):
    """What can change while a node process runs, without a break in its connection."""

    # The fields of NodeLimits. The longest packet is that of the next connection.
    limits: tuple[Any, ...]
    spool_bytes: int
    spool_total_bytes: int
    log_level: str


@dataclass(frozen=True)
class Task:
    """What a node process is to do."""

    spec: NodeSpec
    limits: NodeLimits
    spool: SpoolLimits
    generation: int  # of the writer
    connect: bool = True  # else only have committed what an earlier process left in the spool
    guard: Guard | None = None  # after a crash
    tally: Tally = field(default_factory=Tally)
