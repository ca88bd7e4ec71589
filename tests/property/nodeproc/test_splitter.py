"""The frame splitter: the same packets, however the reads fall, and no way round an impossible
length."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nodeproc.sources.tcp.protocol import LENGTH, FramingError, PacketSplitter
from tests.property.strategies import partitions
from tests.support.packets import framed

LIMIT = 300

packet_lists = st.lists(st.binary(min_size=1, max_size=LIMIT), max_size=8)
impossible = st.just(0) | st.integers(LIMIT + 1, 2**32 - 1)


@given(packet_lists, st.data())
def test_packets_are_the_same_however_the_reads_fall(
    packets: list[bytes], data: st.DataObject
) -> None:
    splitter = PacketSplitter(LIMIT)
    reads = data.draw(partitions(framed(packets)))
    assert [packet for read in reads for packet in splitter.feed(read)] == packets
    assert splitter.pending == b""


@given(packet_lists, st.binary(min_size=1, max_size=LIMIT), st.data())
def test_what_has_begun_is_pending_after_every_read(
    packets: list[bytes], last: bytes, data: st.DataObject
) -> None:
    splitter = PacketSplitter(LIMIT)
    stream = framed([*packets, last])
    begun = stream[: data.draw(st.integers(0, len(stream)))]
    found, fed = [], b""
    for read in data.draw(partitions(begun)):
        found += splitter.feed(read)
        fed += read
        assert framed(found) + splitter.pending == fed
    found += splitter.feed(stream[len(begun) :])
    assert found == [*packets, last]


@given(packet_lists, impossible, st.binary(max_size=50), st.data())
def test_an_impossible_length_ends_it_after_the_packets_before(
    packets: list[bytes], length: int, behind: bytes, data: st.DataObject
) -> None:
    splitter = PacketSplitter(LIMIT)
    reads = data.draw(partitions(framed(packets) + LENGTH.pack(length) + behind))
    found: list[bytes] = []

    def feed_all() -> None:
        for read in reads:
            for packet in splitter.feed(read):
                found.append(packet)  # noqa: PERF402 those before the error count

    with pytest.raises(FramingError) as raised:
        feed_all()
    assert found == packets
    assert raised.value.length == length


@given(st.integers(1, 2**24), st.integers(0, 2**32 - 1))
def test_every_length_up_to_the_limit_is_possible_and_no_other(limit: int, length: int) -> None:
    splitter = PacketSplitter(limit)
    field = LENGTH.pack(length)
    if 1 <= length <= limit:
        assert list(splitter.feed(field)) == []
        assert splitter.pending == field
    else:
        with pytest.raises(FramingError):
            list(splitter.feed(field))
