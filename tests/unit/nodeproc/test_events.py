"""The rules of the node protocol: what is an event, and why everything else is not."""

import datetime
import json
from typing import Any

import pytest

from nodeproc.sources.tcp.events import InvalidPacketError, parse_event
from nodeproc.wire.reasons import Reason

GOOD = {"timestamp": "2026-05-01T08:46:00Z", "species": "Erithacus rubecula", "name": "Robin"}
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)


def payload(**changes: Any) -> bytes:
    return json.dumps(GOOD | changes).encode()


def utc(*args: int) -> int:
    since = datetime.datetime(*args, tzinfo=datetime.UTC) - EPOCH  # type: ignore[misc, arg-type]
    return since // datetime.timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("timestamp", "expected"),
    [
        ("2026-05-01T08:46:00Z", utc(2026, 5, 1, 8, 46)),
        ("2026-05-01T08:46:00", utc(2026, 5, 1, 8, 46)),
        ("2026-05-01 08:46", utc(2026, 5, 1, 8, 46)),
        ("2026-05-01T08:46:00.123456+02:00", utc(2026, 5, 1, 6, 46, 0, 123456)),
        ("2026-05-01T08:46:00.5-03:30", utc(2026, 5, 1, 12, 16, 0, 500000)),
        # RFC 3339, section 5.6: letters of either case; section 5.7: leap seconds.
        ("2026-05-01t08:46:00z", utc(2026, 5, 1, 8, 46)),
        ("2016-12-31T23:59:60Z", utc(2016, 12, 31, 23, 59, 59, 999999)),
        ("2016-12-31T23:59:60.5Z", utc(2016, 12, 31, 23, 59, 59, 999999)),
        ("2017-01-01T05:29:60+05:30", utc(2016, 12, 31, 23, 59, 59, 999999)),
        # ISO 8601: the end of a day.
        ("2026-04-30T24:00:00Z", utc(2026, 5, 1)),
        ("2026-12-31T24:00", utc(2027, 1, 1)),
        ("20261231T2400z", utc(2027, 1, 1)),
        ("2026-04-30T24:00:00.000+02:00", utc(2026, 4, 30, 22)),
        ("1969-12-31T23:59:59.999999Z", -1),
        ("0001-01-02T00:00:00Z", utc(1, 1, 2)),
        ("9999-12-30T00:00:00Z", utc(9999, 12, 30)),
    ],
)
def test_timestamps_keep_their_moment_to_the_microsecond(timestamp: str, expected: int) -> None:
    assert parse_event(payload(timestamp=timestamp)) == (expected, GOOD["species"], "Robin")


@pytest.mark.parametrize("text", ["シジュウカラ", "Grünspecht", "a" * 255, "🐦" * 255, " "])
def test_texts_are_kept_as_sent(text: str) -> None:
    raw = json.dumps(GOOD | {"species": text, "name": text}, ensure_ascii=False).encode()
    assert parse_event(raw)[1:] == (text, text)


def test_a_byte_order_mark_is_passed_over() -> None:
    assert parse_event(b"\xef\xbb\xbf" + payload())[2] == "Robin"


def test_fields_the_protocol_does_not_know_are_passed_over() -> None:
    assert parse_event(payload(weight=17.5, tags=[None]))[2] == "Robin"


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"\xff\xfe", Reason.NOT_UTF8),
        (json.dumps(GOOD).encode("utf-16"), Reason.NOT_UTF8),
        (b"chirp", Reason.NOT_JSON),
        (b"", Reason.NOT_JSON),
        (b"\xef\xbb\xbf{}", Reason.FIELD_MISSING),
        (b"\xef\xbb\xbf\xef\xbb\xbf{}", Reason.NOT_JSON),
        (b"[" * 60_000, Reason.TOO_DEEP),
        (b'{"n":' + b"9" * 5000 + b"}", Reason.NUMBER_TOO_LONG),
        (b"[]", Reason.NOT_AN_OBJECT),
        (b"null", Reason.NOT_AN_OBJECT),
        (b"{}", Reason.FIELD_MISSING),
        (b'{"timestamp":"2026-05-01T08:46:00Z","species":"x"}', Reason.FIELD_MISSING),
        (payload(name=None), Reason.FIELD_TYPE),
        (payload(species=["x"]), Reason.FIELD_TYPE),
        (payload(timestamp=1777625160), Reason.FIELD_TYPE),
        (payload(name=""), Reason.TEXT_EMPTY),
        (payload(species=""), Reason.TEXT_EMPTY),
        (payload(name="a" * 256), Reason.TEXT_TOO_LONG),
        (payload(species="ü" * 256), Reason.TEXT_TOO_LONG),
        (payload(name="a\0b"), Reason.TEXT_UNSTORABLE),
        (payload(name="ü\0b"), Reason.TEXT_UNSTORABLE),
        (payload(species="\ud800"), Reason.TEXT_UNSTORABLE),
        (payload(timestamp=""), Reason.NOT_A_TIMESTAMP),
        (payload(timestamp="yesterday"), Reason.NOT_A_TIMESTAMP),
        (payload(timestamp="2026-02-30T00:00:00Z"), Reason.NOT_A_TIMESTAMP),
        (payload(timestamp="\ud800"), Reason.NOT_A_TIMESTAMP),
        (payload(timestamp="2026-05-01T24:00:01Z"), Reason.NOT_A_TIMESTAMP),
        (payload(timestamp="2026-05-01T24:01Z"), Reason.NOT_A_TIMESTAMP),
        (payload(timestamp="2026-05-01T08:60:00Z"), Reason.NOT_A_TIMESTAMP),
        (payload(timestamp="2026-05-01T08:46:61Z"), Reason.NOT_A_TIMESTAMP),
        (payload(timestamp="9999-12-31T24:00Z"), Reason.NOT_A_TIMESTAMP),
        (payload(timestamp="0001-01-01T00:00:00Z"), Reason.TIMESTAMP_RANGE),
        (payload(timestamp="0001-01-01T00:00:00+23:59"), Reason.TIMESTAMP_RANGE),
        (payload(timestamp="9999-12-31T23:59:59-23:59"), Reason.TIMESTAMP_RANGE),
    ],
)
def test_every_breach_has_its_reason(raw: bytes, reason: Reason) -> None:
    with pytest.raises(InvalidPacketError) as raised:
        parse_event(raw)
    assert raised.value.reason is reason
