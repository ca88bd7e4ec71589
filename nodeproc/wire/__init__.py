"""The messages between the processes of one daemon.

Every message is one *frame*: a fixed header and a body. The header alone tells the supervisor where
a frame goes, so it relays events without opening them. Layout, little-endian::

    u32 length of the body | u8 kind | i64 node id | i64 stream | i64 sequence number | body

The body is one plain Python value in `marshal` format version 4: both ends are the same program,
the format is the fastest in the standard library, and nothing in it can call code.

Batches and status changes of a node travel in one *stream*: a random number per life of a node
process, within which sequence numbers count from 1 without a gap. The writer's checkpoint
`(node, stream) -> sequence number` makes every frame take effect exactly once.
"""

import enum
import marshal
import struct
from collections.abc import Iterator
from typing import Any, NamedTuple

HEADER = struct.Struct("<IBqqq")
MARSHAL_VERSION = 4
# A frame with a batch up to the number of its events, as marshal writes a `Batch`: a tuple of four,
# a float, a list. The upper bit of a type may be set: "referred to later" (CPython, marshal.c).
BATCH_HEAD = struct.Struct("<4xB24xBBBdBI")
BATCH_TYPES = (ord(")"), 4, ord("g"), ord("["))
REFERRED_TO = 0x80


class Kind(enum.IntEnum):
    """What a frame says, and which way it goes."""

    # Node process -> supervisor -> writer, in the node's stream.
    BATCH = 1  # body: Batch
    STATUS = 2  # body: Status; the supervisor reads it too
    # Node process -> supervisor -> writer: what follows of this stream begins at this sequence
    # number, and everything before it has been acknowledged. Body: the generation of the writer
    # that it is meant for, so that no later one takes up what remains of it in the pipe.
    RESUME = 3
    # Supervisor -> writer, outside any stream.
    NODE_DOWN = 10  # body: Status of a node that has no process
    RELOAD = 11  # read the node table again, log from this level on; body: the level's name
    # Every process of the daemon; body: when they were measured, list of ProcessUsage.
    PROCESSES = 12
    # Writer -> supervisor.
    NODES = 20  # body: list of NodeSpec
    ACK = 21  # body: list of (node, stream, sequence number); later ones include earlier ones
    REFUSED = 22  # it cannot work; body: the daemon's exit code, one sentence for the operator
    # A sign of life: it has committed, is idle, or waits for a database that is away. Body: why
    # that is away, or empty.
    ALIVE = 23
    # Supervisor -> node process.
    ACKED = 30  # committed up to this sequence number; body: None
    # There is a new writer: begin again at the first frame not acknowledged. Body: its generation.
    RESEND = 31
    CONFIGURE = 32  # body: NodeSpec, with a new name or address
    STOP = 33  # disconnect, drain, end
    LIMITS = 34  # body: Adjustment


class NodeSpec(NamedTuple):
    """One row of the node table, as far as the daemon needs it."""

    id: int
    name: str
    ip_address: str
    port: int
    restarts: int = 0  # when it is another number, the node is to have a new process

    @property
    def address(self) -> str:
        """`10.0.3.2:9999`, or `[fe80::1]:9999` for IPv6."""
        host = f"[{self.ip_address}]" if ":" in self.ip_address else self.ip_address
        return f"{host}:{self.port}"

    def __str__(self) -> str:
        return f"{self.name} {self.address}"


# One bird: microseconds since 1970-01-01T00:00:00Z (negative before), species, name.
Event = tuple[int, str, str]

# One packet that broke the rules: seconds since the epoch, a value of events.Reason, its
# size in bytes as announced, and at most RAW_BYTES of its first bytes.
Rejection = tuple[float, str, int, bytes]
RAW_BYTES = 256


class Batch(NamedTuple):
    """What one read of a node's socket yielded."""

    received_at: float  # seconds since the epoch
    events: list[Event]
    rejections: list[Rejection]  # the first few, whole
    rejected: int  # all of them


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


class Frame(NamedTuple):
    """A frame on its way, not yet opened."""

    kind: int
    node: int
    stream: int
    sequence: int
    raw: bytes  # header and body

    def value(self) -> Any:
        """The body's value: plain tuples and lists, in the order of the types above."""
        return marshal.loads(memoryview(self.raw)[HEADER.size :])  # noqa: S302 our own bytes


def pack(
    kind: Kind, value: Any = None, *, node: int = 0, stream: int = 0, sequence: int = 0
) -> bytes:
    """Return the bytes of one frame. `value` consists of None, numbers, strings, tuples, lists.

    Raises ValueError if `value` holds anything else.
    """
    body = marshal.dumps(_plain(value), MARSHAL_VERSION)
    return HEADER.pack(len(body), kind, node, stream, sequence) + body


def _plain(value: Any) -> Any:
    """`value` with its named tuples, down to two levels, made plain: marshal takes exact types."""
    if isinstance(value, tuple):
        return tuple([_plain(item) for item in value])
    if isinstance(value, list):
        return [tuple(item) if isinstance(item, tuple) else item for item in value]
    return value


def batch_head(raw: bytes) -> tuple[float, int]:
    """Return when the batch in a frame was received, in seconds since the epoch, and how many
    events it holds, without opening it; two zeros for a frame with anything else."""
    if raw[4] != Kind.BATCH or len(raw) < BATCH_HEAD.size:
        return 0.0, 0
    _, outer, four, first, received_at, second, events = BATCH_HEAD.unpack_from(raw)
    types = (outer & ~REFERRED_TO, four, first & ~REFERRED_TO, second & ~REFERRED_TO)
    return (received_at, events) if types == BATCH_TYPES else (0.0, 0)


class FrameReader:
    """Splits a stream of bytes into frames."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[Frame]:
        """Yield the frames that `data` completes; to be iterated to its end."""
        if self._rest:
            data = self._rest + data
        at, end = 0, len(data)
        while end - at >= HEADER.size:
            length, kind, node, stream, sequence = HEADER.unpack_from(data, at)
            behind = at + HEADER.size + length
            if behind > end:
                break
            yield Frame(kind, node, stream, sequence, data[at:behind])
            at = behind
        self._rest = data[at:]
