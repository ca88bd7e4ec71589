"""Frames: every message between the processes is one, a fixed header and a body.

The header alone says where a frame goes, and how many events it brings, so that nothing on its way
opens it. Layout, little-endian::

    u32 length of the body | u8 kind | u8 subject | i64 id | i64 stream | i64 sequence number
    | f64 reception time, seconds since the epoch | u32 number of events | body

The last two are 0 in everything but a batch. The body is one value in MessagePack, of the type that
`BODY` has for its kind: the same in every version of Python, checked as it is decoded, and nothing
in it can call code.

Batches and status changes of a node travel in one *stream*: a number per life of a node process
(see `new_stream`), within which sequence numbers count from 1 without a gap. The writer's
checkpoint `(origin, stream) -> sequence number` makes every frame take effect exactly once.
"""

import enum
import secrets
import struct
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import msgspec

from nodeproc.wire.messages import (
    Ack,
    Adjustment,
    Batch,
    BatchBody,
    DiskRoom,
    Identity,
    NodeSpec,
    ProcessUsage,
    Status,
    Through,
)
from nodeproc.wire.subjects import NOWHERE, Origin, Stream

HEADER = struct.Struct("<IBBqqqdI")
CONTENTS = struct.Struct("<dI")  # the header's last two fields

# Raised by `Frame.value` for a body that is not of the type of its kind.
UndecodableError = msgspec.DecodeError


class Kind(enum.IntEnum):
    """What a frame says, and which way it goes."""

    # Node process -> supervisor -> writer, in the node's stream.
    BATCH = 1
    STATUS = 2  # the supervisor reads it too
    # Node process -> supervisor -> writer: what follows of this stream begins at this sequence
    # number, and everything before it has been acknowledged. Body: the generation of the writer
    # that it is meant for, so that no later one takes up what remains of it in the pipe.
    RESUME = 3
    # In spools alone, outside any stream: whose spool it is. Another node may get the same id.
    NODE = 4
    # Node process -> supervisor -> writer: what is missing of this stream, up to this sequence
    # number, does not exist any more. Body: the first number that is missing.
    GAP = 5
    # Supervisor -> writer, outside any stream.
    NODE_DOWN = 10  # a node that has no process
    RELOAD = 11  # read the node table again, log from this level on
    PROCESSES = 12  # every process of the daemon, and when they were measured
    DISKS = 13  # the room on each disk
    # Writer -> supervisor.
    NODES = 20  # all there are
    ACK = 21  # later ones include earlier ones
    REFUSED = 22  # it cannot work: the daemon's exit code, one sentence for the operator
    # A sign of life: it has committed, is idle, or waits for a database that is away. Body: why
    # that is away, or empty.
    ALIVE = 23
    STAND_BY = 24  # another daemon has the database: disconnect from every node. Body: which one
    # Another daemon had the database for a while: have everything sent again, and every state.
    TAKEN_BACK = 25
    GONE = 26  # these have no row, so that nothing of theirs is committed; then comes a NODES
    THROUGH = 27  # frames that it does not hold any more, whatever became of them
    # Supervisor -> node process.
    ACKED = 30  # committed up to this sequence number
    # To the writer of this generation, send everything that is not acknowledged, and the state.
    RESEND = 31
    CONFIGURE = 32  # it has a new name or address
    STOP = 33  # disconnect, drain, end
    LIMITS = 34
    HALT = 35  # read nothing from the node. Body: why; empty: read it again
    NODE_GONE = 36  # nothing is committed until the next RESEND: the node has no row


BODY: dict[Kind, Any] = {
    Kind.BATCH: BatchBody,
    Kind.STATUS: Status,
    Kind.RESUME: int,
    Kind.NODE: Identity,
    Kind.GAP: int,
    Kind.NODE_DOWN: Status,
    Kind.RELOAD: int,
    Kind.PROCESSES: tuple[float, list[ProcessUsage]],
    Kind.DISKS: list[DiskRoom],
    Kind.NODES: list[NodeSpec],
    Kind.ACK: list[Ack],
    Kind.REFUSED: tuple[int, str],
    Kind.ALIVE: str,
    Kind.STAND_BY: str,
    Kind.TAKEN_BACK: None,
    Kind.GONE: list[tuple[int, int]],
    Kind.THROUGH: list[Through],
    Kind.ACKED: None,
    Kind.RESEND: int,
    Kind.CONFIGURE: NodeSpec,
    Kind.STOP: None,
    Kind.LIMITS: Adjustment,
    Kind.HALT: str,
    Kind.NODE_GONE: None,
}
_encode = msgspec.msgpack.Encoder().encode
_BATCH = int(Kind.BATCH)  # as a plain number: it is compared for each frame
_decoders: dict[int, Callable[[bytes], Any]] = {
    kind: msgspec.msgpack.Decoder(body).decode for kind, body in BODY.items()
}


class Frame(NamedTuple):
    """A frame on its way, not yet opened."""

    kind: int
    subject: int
    id: int
    stream: int
    sequence: int
    received_at: float  # of a batch: seconds since the epoch
    events: int  # how many are in it
    raw: bytes  # header and body

    @classmethod
    def of(cls, raw: bytes) -> "Frame":
        """Return the one frame that `raw` is."""
        return cls._make((*HEADER.unpack_from(raw)[1:], raw))

    @property
    def origin(self) -> Origin:
        """The device that it comes from, or is about."""
        return Origin(self.subject, self.id)

    @property
    def stream_key(self) -> Stream:
        """The key of its stream."""
        return self[1:4]

    @property
    def body(self) -> bytes:
        """Its bytes after the header."""
        return self.raw[HEADER.size :]

    def value(self) -> Any:
        """Return the value of its body, of its kind's type. Raises UndecodableError."""
        decode = _decoders.get(self.kind)
        if decode is None:
            raise UndecodableError(f"no kind of frame: {self.kind}")
        value = decode(self.raw[HEADER.size :])
        return Batch(self.received_at, *value) if self.kind == _BATCH else value


def pack(
    kind: Kind,
    value: Any = None,
    *,
    origin: Origin = NOWHERE,
    stream: int = 0,
    sequence: int = 0,
) -> bytes:
    """Return the bytes of one frame; `value` is of the kind's type in `BODY`, or a `Batch`."""
    received_at, events = 0.0, 0
    if kind is Kind.BATCH:
        received_at, events = value.received_at, len(value.events)
        value = value[1:]
    body = _encode(value)
    return HEADER.pack(len(body), kind, *origin, stream, sequence, received_at, events) + body


def contents(raw: bytes) -> tuple[float, int]:
    """Return when the batch in a frame was received, in seconds since the epoch, and how many
    events it holds; two zeros for a frame with anything else."""
    received_at, events = CONTENTS.unpack_from(raw, HEADER.size - CONTENTS.size)
    return received_at, events


RANDOM_BITS = 31  # of a stream's number; the 32 above them are the second of its birth


def new_stream(now: float) -> int:
    """Return the number of a new stream: random, but it shows when it began.

    `now` in seconds since the epoch.
    """
    return int(now) << RANDOM_BITS | secrets.randbits(RANDOM_BITS)


def stream_began_at(stream: int) -> int:
    """Return the second since the epoch in which a stream began.

    For streams of the releases that numbered them by chance, that is any number.
    """
    return stream >> RANDOM_BITS


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
            fields = HEADER.unpack_from(data, at)
            after = at + HEADER.size + fields[0]
            if after > end:
                break
            yield Frame._make((*fields[1:], data[at:after]))
            at = after
        self._rest = data[at:]
