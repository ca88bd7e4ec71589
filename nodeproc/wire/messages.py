"""The bodies of frames, as types: what the processes of one daemon say to each other."""

from typing import NamedTuple

from nodeproc.limits import NodeLimits
from nodeproc.wire.subjects import Origin, Subject


class Identity(NamedTuple):
    """What tells a node from another one that has its id: ids are used again, and moved tables
    have other rows under them."""

    name: str
    ip_address: str
    port: int

    def is_same(self, other: "Identity") -> bool:
        """Whether both are one node, given that they have one id: it may have been renamed, or
        moved, but not both."""
        return self.name == other.name or self[1:] == other[1:]

    def __str__(self) -> str:
        return f"{self.name} {address(self.ip_address, self.port)}"


def address(ip_address: str, port: int) -> str:
    """Return `10.0.3.2:9999`, or `[fe80::1]:9999` for IPv6."""
    return f"[{ip_address}]:{port}" if ":" in ip_address else f"{ip_address}:{port}"


class NodeSpec(NamedTuple):
    """One row of the node table, as far as the daemon needs it."""

    id: int
    name: str
    ip_address: str
    port: int
    restarts: int = 0  # another number asks for a new process
    max_events_per_second: int | None = None  # None: that of the settings
    enabled: bool = True

    @property
    def origin(self) -> Origin:
        """What its frames, its spool and its log lines are named after."""
        return Origin(Subject.NODES, self.id)

    @property
    def address(self) -> str:
        """`10.0.3.2:9999`, or `[fe80::1]:9999` for IPv6."""
        return address(self.ip_address, self.port)

    @property
    def identity(self) -> Identity:
        """What tells it from another node with its id."""
        return Identity(self.name, self.ip_address, self.port)

    def __str__(self) -> str:
        return str(self.identity)


# One bird: microseconds since 1970-01-01T00:00:00Z (negative before), species, name.
Event = tuple[int, str, str]

# One packet that broke the rules: seconds since the epoch, a value of Reason, its size in bytes as
# announced, and at most RAW_BYTES of its first bytes.
Rejection = tuple[float, str, int, bytes]
RAW_BYTES = 256


class Batch(NamedTuple):
    """What one read of a node's socket yielded."""

    received_at: float  # seconds since the epoch; travels in the header, not in the body
    events: list[Event]
    rejections: list[Rejection]  # the first few, whole
    rejected: int  # all of them


BatchBody = tuple[list[Event], list[Rejection], int]


class Status(NamedTuple):
    """The state of a node's process at one moment."""

    state: str  # a value of nodeproc.states.NodeState
    at: float  # seconds since the epoch
    pid: int | None
    again: bool  # connected, and not for the first time in the life of this process
    error: str  # why it is not connected; empty while all is well
    next_try: float | None  # seconds since the epoch


class ProcessUsage(NamedTuple):
    """What one process of the daemon uses of the machine."""

    role: str  # supervisor, writer or node
    node: int  # the node's id; 0 for the other two
    pid: int
    started_at: float  # seconds since the epoch
    resident_bytes: int
    cpu_percent: float  # of one core, since the measurement before


class DiskRoom(NamedTuple):
    """The room on one disk; all numbers are bytes."""

    uses: str  # "database and spools"
    path: str  # a directory on it
    free: int
    size: int
    warning: int  # with less free room, it is low
    critical: int  # with less, nothing is read from the nodes
    is_full: bool  # nothing is read from the nodes


class Adjustment(NamedTuple):
    """What can change while a node process runs, without a break in its connection."""

    limits: NodeLimits
    log_level: int


class Ack(NamedTuple):
    """Everything of a stream up to this sequence number is committed."""

    subject: int
    id: int
    stream: int
    sequence: int


class Through(NamedTuple):
    """The writer is through with so much of a device, and has room for as much again."""

    subject: int
    id: int
    size: int  # bytes of frames
