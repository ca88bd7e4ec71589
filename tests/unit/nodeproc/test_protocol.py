"""The packet splitter: whatever way the reads fall, the same packets come out."""

import itertools

import pytest

from nodeproc.sources.tcp.protocol import LENGTH, FramingError, PacketSplitter
from tests.support.packets import framed

PACKETS = [b'{"a":1}', b"x", bytes(range(256))]
STREAM = framed(PACKETS)


def split(*reads: bytes, limit: int = 1000) -> list[bytes]:
    splitter = PacketSplitter(limit)
    packets = [packet for data in reads for packet in splitter.feed(data)]
    assert splitter.pending == b""
    return packets


def test_one_byte_at_a_time() -> None:
    assert split(*(STREAM[i : i + 1] for i in range(len(STREAM)))) == PACKETS


def test_every_split_in_three_of_a_three_packet_stream() -> None:
    for first, second in itertools.combinations_with_replacement(range(len(STREAM) + 1), 2):
        assert split(STREAM[:first], STREAM[first:second], STREAM[second:]) == PACKETS


@pytest.mark.parametrize("length", [0, 1001, 2**31, 2**32 - 1])
def test_an_impossible_length_follows_the_packets_before_it(length: int) -> None:
    packets = PacketSplitter(1000).feed(STREAM + LENGTH.pack(length) + b"rest")
    assert list(itertools.islice(packets, len(PACKETS))) == PACKETS
    with pytest.raises(FramingError) as raised:
        next(packets)
    assert raised.value.length == length


def test_the_limit_itself_is_allowed() -> None:
    assert split(LENGTH.pack(1000) + bytes(1000)) == [bytes(1000)]


def test_pending_is_what_is_here_of_a_begun_packet() -> None:
    splitter = PacketSplitter(1000)
    assert list(splitter.feed(STREAM + b"\x05\x00\x00")) == PACKETS
    assert splitter.pending == b"\x05\x00\x00"
    assert list(splitter.feed(b"\x00hello")) == [b"hello"]
    assert splitter.pending == b""
