"""One connection as a whole: any packets in any reads, each of them counted once."""

from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz.oracle import check_reads
from tests.property.strategies import any_packets, partitions
from tests.support.packets import framed

packet_lists = st.lists(any_packets.filter(bool), max_size=5)


@given(packet_lists, st.data())
def test_every_packet_becomes_an_event_or_a_rejection(
    packets: list[bytes], data: st.DataObject
) -> None:
    check_reads(data.draw(partitions(framed(packets))))


@given(packet_lists, st.binary(max_size=40), st.data())
def test_noise_behind_the_packets_costs_none_of_them(
    packets: list[bytes], noise: bytes, data: st.DataObject
) -> None:
    check_reads(data.draw(partitions(framed(packets) + noise)))
