"""Frames between processes: what goes in comes out, however the pipe cuts it."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from nodeproc.wire import Batch, Frame, FrameReader, Kind, NodeSpec, Status, pack
from tests.property.strategies import i64, partitions, wire_values

messages = st.tuples(st.sampled_from(Kind), wire_values, i64, i64, i64)
texts = st.text(max_size=20)
seconds = st.floats(allow_nan=False)
named = st.one_of(
    st.builds(Status, texts, seconds, st.none() | st.integers(), st.booleans(), texts, seconds),
    st.builds(NodeSpec, i64, texts, texts, st.integers(1, 65535)),
    st.builds(
        Batch,
        seconds,
        st.lists(st.tuples(st.integers(), texts, texts), max_size=3),
        st.lists(st.tuples(seconds, texts, st.integers(), st.binary(max_size=9)), max_size=3),
        st.integers(0),
    ),
)


def read(reads: list[bytes]) -> list[Frame]:
    """Return the frames that these reads bring."""
    reader = FrameReader()
    return [frame for data in reads for frame in reader.feed(data)]


@given(st.lists(messages, max_size=5), st.data())
def test_frames_come_out_as_they_went_in(
    sent: list[tuple[Kind, Any, int, int, int]], data: st.DataObject
) -> None:
    raw = [
        pack(kind, value, node=node, stream=stream, sequence=sequence)
        for kind, value, node, stream, sequence in sent
    ]
    frames = read(data.draw(partitions(b"".join(raw))))
    assert [frame.raw for frame in frames] == raw
    found = [(frame.kind, frame.value(), *frame[1:4]) for frame in frames]
    assert found == sent


@given(named)
def test_named_tuples_come_out_whole(value: Batch | Status | NodeSpec) -> None:
    (frame,) = read([pack(Kind.BATCH, value)])
    assert type(value)(*frame.value()) == value


@given(st.lists(messages, min_size=1, max_size=3), st.data())
def test_a_frame_that_is_cut_off_is_none(
    sent: list[tuple[Kind, Any, int, int, int]], data: st.DataObject
) -> None:
    raw = [pack(kind, value) for kind, value, *_ in sent]
    last = raw[-1]
    begun = b"".join(raw[:-1]) + last[: data.draw(st.integers(0, len(last) - 1))]
    assert [frame.raw for frame in read([begun])] == raw[:-1]
