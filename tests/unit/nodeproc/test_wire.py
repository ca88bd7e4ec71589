"""Frames between processes."""

import msgspec
import pytest

from nodeproc.limits import NodeLimits
from nodeproc.wire.frames import (
    BODY,
    HEADER,
    Frame,
    FrameReader,
    Kind,
    UndecodableError,
    contents,
    pack,
)
from nodeproc.wire.messages import (
    Ack,
    Adjustment,
    Batch,
    DiskRoom,
    Identity,
    NodeSpec,
    ProcessUsage,
    Status,
    Through,
)
from nodeproc.wire.subjects import Origin, Subject

EVENTS = [(1, "Erithacus rubecula", "Robin"), (-1, "シジュウカラ", "さくら")]
REJECTIONS = [(1.5, "not JSON", 3, b"\0\xff{")]
NODE = Origin(Subject.NODES, 7)
STATUS = Status("backing off", 1.5, None, False, "connection refused", 2.5)

# One value of each kind.
VALUES = {
    Kind.BATCH: Batch(1.5, EVENTS, REJECTIONS, 4),
    Kind.STATUS: STATUS,
    Kind.RESUME: 3,
    Kind.NODE: Identity("Dartmoor", "10.0.3.2", 9999),
    Kind.NODE_DOWN: STATUS,
    Kind.RELOAD: 20,
    Kind.PROCESSES: (1.5, [ProcessUsage("node", 7, 4711, 1.5, 2**25, 12.5)]),
    Kind.DISKS: [DiskRoom("database", "/var/lib/birdwatcher", 5, 9, 4, 2, False)],
    Kind.NODES: [NodeSpec(7, "Dartmoor", "10.0.3.2", 9999, 1)],
    Kind.ACK: [Ack(*NODE, 2**62, 3)],
    Kind.REFUSED: (78, "no database"),
    Kind.ALIVE: "",
    Kind.STAND_BY: "Another daemon has the database.",
    Kind.TAKEN_BACK: None,
    Kind.GAP: 2,
    Kind.THROUGH: [Through(*NODE, 1024)],
    Kind.GONE: [tuple(NODE)],
    Kind.ACKED: None,
    Kind.RESEND: 2,
    Kind.CONFIGURE: NodeSpec(7, "Exmoor", "::1", 9),
    Kind.STOP: None,
    Kind.LIMITS: Adjustment(NodeLimits(max_packet_bytes=9), 30),
    Kind.HALT: "the disk is full",
    Kind.NODE_GONE: None,
}


def read(*data: bytes) -> list[Frame]:
    reader = FrameReader()
    return [frame for part in data for frame in reader.feed(part)]


@pytest.mark.parametrize("kind", Kind)
def test_a_frame_comes_back_as_it_was_packed(kind: Kind) -> None:
    raw = pack(kind, VALUES[kind], origin=NODE, stream=2**62, sequence=3)
    (frame,) = read(raw)
    head = (1.5, 2) if kind is Kind.BATCH else (0.0, 0)
    assert frame == (kind, Subject.NODES, 7, 2**62, 3, *head, raw)
    assert (frame.origin, frame.stream_key) == (NODE, (1, 7, 2**62))
    assert frame.value() == VALUES[kind]
    assert type(frame.value()) is type(VALUES[kind])


def test_every_kind_has_a_type() -> None:
    assert BODY.keys() == set(Kind)


@pytest.mark.parametrize("kind", [it for it in Kind if BODY[it] is not None])
@pytest.mark.parametrize("body", [b"", b"\xc1", msgspec.msgpack.encode({"a": 1}), b"\x01\x01"])
def test_a_body_of_another_type_is_one_kind_of_error(kind: Kind, body: bytes) -> None:
    frame = Frame.of(HEADER.pack(len(body), kind, *NODE, 1, 1, 0.0, 0) + body)
    with pytest.raises(UndecodableError):
        frame.value()


def test_so_is_an_unknown_kind() -> None:
    with pytest.raises(UndecodableError, match="no kind of frame: 99"):
        Frame.of(HEADER.pack(1, 99, *NODE, 1, 1, 0.0, 0) + b"\0").value()


def test_frames_are_found_however_the_reads_fall() -> None:
    raw = [
        pack(Kind.ACK, [Ack(1, 1, 2, 3)]),
        pack(Kind.STOP),
        pack(Kind.NODES, [NodeSpec(1, "a", "::1", 9)]),
    ]
    stream = b"".join(raw)
    for cut in range(len(stream) + 1):
        assert [frame.raw for frame in read(stream[:cut], stream[cut:])] == raw
    assert [frame.raw for frame in read(*(bytes([byte]) for byte in stream))] == raw


def test_addresses_are_written_as_people_write_them() -> None:
    assert str(NodeSpec(7, "Dartmoor", "10.0.3.2", 9999)) == "Dartmoor 10.0.3.2:9999"
    assert NodeSpec(7, "Dartmoor", "fe80::1", 9999).address == "[fe80::1]:9999"


@pytest.mark.parametrize("count", [0, 1, 300, 70_000])
def test_the_contents_of_a_batch_are_in_its_header(count: int) -> None:
    events = [(number, "Erithacus rubecula", "Robin") for number in range(count)]
    raw = pack(Kind.BATCH, Batch(1_777_625_160.25, events, REJECTIONS, 1))
    assert contents(raw) == (1_777_625_160.25, count)
    assert contents(pack(Kind.STATUS, STATUS)) == (0.0, 0)


def test_an_origin_is_named_after_its_table() -> None:
    assert str(NODE) == "nodes-7"
    assert Origin.parse("nodes-7") == NODE


def test_an_origin_is_a_key_of_the_database() -> None:
    for number in (1, 2**63 - 1):
        assert pack(Kind.NODE_DOWN, STATUS, origin=Origin.parse(f"nodes-{number}"))
    for number in (0, 2**63):
        with pytest.raises(ValueError, match="not an origin"):
            Origin.parse(f"nodes-{number}")


@pytest.mark.parametrize(
    "text",
    ["", "7", "nodes", "nodes-", "nodes--7", "Nodes-7", "stars-7", "nodes-07", "nodes- 7"],
)
def test_other_names_are_no_origins(text: str) -> None:
    with pytest.raises(ValueError, match="no"):
        Origin.parse(text)
