"""Frames between processes."""

import time

import pytest

from nodeproc.wire import HEADER, Batch, Frame, FrameReader, Kind, NodeSpec, batch_head, pack

EVENTS = [(1, "Erithacus rubecula", "Robin"), (-1, "シジュウカラ", "さくら")]


def read(*data: bytes) -> list[Frame]:
    reader = FrameReader()
    return [frame for part in data for frame in reader.feed(part)]


def test_a_frame_comes_back_as_it_was_packed() -> None:
    raw = pack(Kind.BATCH, (1.5, EVENTS, []), node=7, stream=2**62, sequence=3)
    (frame,) = read(raw)
    assert frame == (Kind.BATCH, 7, 2**62, 3, raw)
    assert frame.value() == (1.5, EVENTS, [])


def test_frames_are_found_however_the_reads_fall() -> None:
    raw = [
        pack(Kind.ACK, [(1, 2, 3)]),
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


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("count", [0, 1, 300, 70_000])
def test_the_head_of_a_batch_is_read_without_opening_it(count: int, shared: bool) -> None:
    events = [(number, "Erithacus rubecula", "Robin") for number in range(count)]
    at = time.time()
    referred_to = [at, events] if shared else []  # marshal writes such values in another way
    raw = pack(Kind.BATCH, Batch(at, events, [(at, "not JSON", 3, b"abc")], 1))
    assert batch_head(raw) == (at, count)
    assert referred_to == ([at, events] if shared else [])


@pytest.mark.parametrize(
    "raw",
    [
        pack(Kind.STOP),
        pack(Kind.BATCH, 7),
        pack(Kind.BATCH, (1, [2], [3], 4)),
        pack(Kind.STATUS, Batch(1.0, EVENTS, [], 0)),
        pack(Kind.BATCH, Batch(1.0, EVENTS, [], 0))[: HEADER.size + 8],
    ],
    ids=["no body", "a number", "no time", "a status", "cut off"],
)
def test_what_is_no_batch_has_no_events(raw: bytes) -> None:
    assert batch_head(raw) == (0.0, 0)
