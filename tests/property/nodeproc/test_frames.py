"""Frames between processes: what goes in comes out, however the pipe cuts it."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from nodeproc.limits import NodeLimits
from nodeproc.wire.frames import HEADER, Frame, FrameReader, Kind, UndecodableError, pack
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
from nodeproc.wire.subjects import Origin
from tests.property.strategies import i64, partitions

texts = st.text(max_size=20)
seconds = st.floats(allow_nan=False)
statuses = st.builds(Status, texts, seconds, st.none() | i64, st.booleans(), texts, seconds)
specs = st.builds(NodeSpec, i64, texts, texts, st.integers(1, 65535), i64)
usages = st.builds(ProcessUsage, texts, i64, i64, seconds, i64, seconds)
values: dict[Kind, st.SearchStrategy[Any]] = {
    Kind.BATCH: st.builds(
        Batch,
        seconds,
        st.lists(st.tuples(i64, texts, texts), max_size=3),
        st.lists(st.tuples(seconds, texts, i64, st.binary(max_size=9)), max_size=3),
        i64,
    ),
    Kind.STATUS: statuses,
    Kind.RESUME: i64,
    Kind.NODE_DOWN: statuses,
    Kind.RELOAD: i64,
    Kind.PROCESSES: st.tuples(seconds, st.lists(usages, max_size=3)),
    Kind.NODES: st.lists(specs, max_size=3),
    Kind.ACK: st.lists(st.builds(Ack, i64, i64, i64, i64), max_size=3),
    Kind.REFUSED: st.tuples(i64, texts),
    Kind.ALIVE: texts,
    Kind.ACKED: st.none(),
    Kind.RESEND: i64,
    Kind.CONFIGURE: specs,
    Kind.STOP: st.none(),
    Kind.STAND_BY: texts,
    Kind.TAKEN_BACK: st.none(),
    Kind.HALT: texts,
    Kind.DISKS: st.lists(
        st.builds(DiskRoom, texts, texts, i64, i64, i64, i64, st.booleans()), max_size=3
    ),
    Kind.NODE: st.builds(Identity, texts, texts, st.integers(1, 65535)),
    Kind.GONE: st.lists(st.tuples(i64, i64), max_size=3),
    Kind.NODE_GONE: st.none(),
    Kind.GAP: i64,
    Kind.THROUGH: st.lists(st.builds(Through, i64, i64, i64), max_size=3),
    Kind.LIMITS: st.builds(Adjustment, st.builds(NodeLimits, i64, connect_timeout=seconds), i64),
}
kinds = st.sampled_from(Kind)
origins = st.builds(Origin, st.integers(0, 255), i64)
messages = kinds.flatmap(lambda kind: st.tuples(st.just(kind), values[kind], origins, i64, i64))


def read(reads: list[bytes]) -> list[Frame]:
    """Return the frames that these reads bring."""
    reader = FrameReader()
    return [frame for data in reads for frame in reader.feed(data)]


@given(st.lists(messages, max_size=5), st.data())
def test_frames_come_out_as_they_went_in(
    sent: list[tuple[Kind, Any, Origin, int, int]], data: st.DataObject
) -> None:
    raw = [
        pack(kind, value, origin=origin, stream=stream, sequence=sequence)
        for kind, value, origin, stream, sequence in sent
    ]
    frames = read(data.draw(partitions(b"".join(raw))))
    assert [frame.raw for frame in frames] == raw
    found = [(it.kind, it.value(), it.origin, it.stream, it.sequence) for it in frames]
    assert found == sent


@given(st.lists(messages, min_size=1, max_size=3), st.data())
def test_a_frame_that_is_cut_off_is_none(
    sent: list[tuple[Kind, Any, Origin, int, int]], data: st.DataObject
) -> None:
    raw = [pack(kind, value) for kind, value, *_ in sent]
    last = raw[-1]
    begun = b"".join(raw[:-1]) + last[: data.draw(st.integers(0, len(last) - 1))]
    assert [frame.raw for frame in read([begun])] == raw[:-1]


@given(kinds, st.binary(max_size=40))
def test_any_body_is_of_its_kinds_type_or_undecodable(kind: Kind, body: bytes) -> None:
    frame = Frame.of(HEADER.pack(len(body), kind, 1, 1, 1, 1, 0.0, 0) + body)
    try:
        value = frame.value()
    except UndecodableError:
        return
    (again,) = read([pack(kind, value)])
    assert again.value() == value
