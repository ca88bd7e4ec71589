"""The event validator: any bytes are an event that every database can hold, or have a reason."""

import json

from hypothesis import example, given
from hypothesis import strategies as st

from nodeproc.sources.tcp.events import parse_event
from nodeproc.wire.reasons import Reason
from tests.fuzz.oracle import check_packet
from tests.property.strategies import Sent, any_packets, moments, timestamps, valid


@given(valid())
def test_a_valid_event_is_kept_exactly(sent: Sent) -> None:
    assert parse_event(sent.packet) == sent.event
    assert check_packet(sent.packet) is None


@given(any_packets)
@example(b"")
@example(b"\xef\xbb\xbf{}")
@example(b"[" * 65_536)
@example(b'{"a":' * 13_000)
@example(b'{"a":' * 900 + b"1" + b"}" * 900)
@example(b"9" * 65_536)
@example(b"-" * 65_536)
@example(b'"\\ud800"')
@example(b'{"timestamp":NaN,"species":Infinity,"name":-Infinity}')
@example(b"1e99999999999999999999")
def test_any_bytes_are_an_event_or_have_a_reason(packet: bytes) -> None:
    check_packet(packet)


@given(st.text(st.sampled_from("0123456789-+:.,TWZ \u0661\ud800"), max_size=40))
@example("2026-W01-1T00:00Z")
@example("2026-01-01T24:00:00Z")
@example("20260101T000000,5+0000")
@example("0001-01-01T00:00:00+23:59:59.999999")
@example("9999-12-31T23:59:59.999999-23:59:59.999999")
@example("2026-01-01T00:00:00+24:00")
def test_any_timestamp_is_a_moment_or_has_a_reason(timestamp: str) -> None:
    fields = {"timestamp": timestamp, "species": "Robin", "name": "Bob"}
    reason = check_packet(json.dumps(fields).encode())
    assert reason in (None, Reason.NOT_A_TIMESTAMP, Reason.TIMESTAMP_RANGE)


@given(moments.flatmap(timestamps), st.sampled_from(["timestamp", "species", "name"]), st.data())
def test_of_a_member_that_comes_twice_the_last_one_counts(
    timestamp: str, key: str, data: st.DataObject
) -> None:
    fields = {"timestamp": timestamp, "species": "Robin", "name": "Bob"}
    before = data.draw(st.sampled_from(["17", "null", '""', "[]"]))
    once = json.dumps(fields)
    twice = f'{{"{key}":{before},' + once[1:]
    assert parse_event(twice.encode()) == parse_event(once.encode())
