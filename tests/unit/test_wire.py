"""Frames between processes."""

from nodeproc.wire import Frame, FrameReader, Kind, NodeSpec, pack

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
