"""What the properties are tried on: events and packets as nodes send them, and as they must not."""

import dataclasses
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone

from hypothesis import strategies as st

from tests.fuzz.oracle import EARLIEST, LATEST, MAX_TEXT

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32", "latin-1")


@dataclasses.dataclass(frozen=True)
class Sent:
    """A valid packet, and the event that it has to become."""

    packet: bytes
    event: tuple[int, str, str]


def partitions(data: bytes) -> st.SearchStrategy[list[bytes]]:
    """Every way in which reads of a socket may cut `data`; none of them is empty."""
    cuts = st.lists(st.integers(1, max(len(data) - 1, 1)), max_size=20, unique=True)
    return cuts.map(lambda places: list(pieces(data, sorted(places))))


def pieces(data: bytes, places: list[int]) -> Iterator[bytes]:
    """Cut `data` at these places."""
    for start, end in zip([0, *places], [*places, len(data)], strict=True):
        if piece := data[start:end]:
            yield piece


# Valid events

texts = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"),
    min_size=1,
    max_size=MAX_TEXT,
)
moments = st.datetimes(
    EARLIEST.replace(tzinfo=None), LATEST.replace(tzinfo=None), timezones=st.just(UTC)
)
_day = timedelta(days=1) - MICROSECOND
offsets = st.one_of(
    st.sampled_from([timedelta(0), timedelta(hours=5, minutes=45), -timedelta(hours=9.5)]),
    st.timedeltas(-_day, _day),
)
extra_fields = st.dictionaries(
    st.text(max_size=5).filter(lambda key: key not in ("timestamp", "species", "name")),
    st.none() | st.floats(allow_nan=True) | st.integers() | st.text(max_size=5),
    max_size=3,
)


@st.composite
def timestamps(draw: st.DrawFn, moment: datetime) -> str:
    """`moment` in one of the many ways that ISO-8601 has to write it."""
    zone = draw(st.none() | offsets)
    local = moment if zone is None else moment.astimezone(timezone(zone))
    text = local.isoformat(sep=draw(st.sampled_from("T ")))
    if text.endswith("+00:00"):  # without an offset it means UTC
        text = text.removesuffix("+00:00") + draw(st.sampled_from(["+00:00", "Z", ""]))
    return text


@st.composite
def valid(draw: st.DrawFn) -> Sent:
    """A valid event, its packet written in any of the ways that JSON allows."""
    moment, species, name = draw(moments), draw(texts), draw(texts)
    fields = {"timestamp": draw(timestamps(moment)), "species": species, "name": name}
    members = list((draw(extra_fields) | fields).items())
    text = json.dumps(
        dict(draw(st.permutations(members))),
        ensure_ascii=draw(st.booleans()),
        indent=draw(st.sampled_from([None, 0, "\t"])),
    )
    try:
        packet = text.encode()
    except UnicodeEncodeError:  # a lone surrogate in a field that is passed over: escaped, it may
        packet = json.dumps(json.loads(text)).encode()
    return Sent(packet, ((moment - EPOCH) // MICROSECOND, species, name))


# Packets that break the rules, or may

_strange_texts = st.one_of(
    st.text(max_size=300),
    st.text(st.characters(categories=["Cs"]), min_size=1, max_size=2),
    st.sampled_from(["", "\0", "x" * 255, "x" * 256, "\U0001f426" * 256, "\ufeff", "\ufffe"]),
    st.sampled_from(["2026-02-30", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:60Z", "24:00"]),
)
_strange_numbers = st.one_of(
    st.integers(), st.floats(), st.just(10**4299), st.sampled_from([1e308, -0.0, 2**63])
)
json_values = st.recursive(
    st.none() | st.booleans() | _strange_numbers | _strange_texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_strange_texts, inner, max_size=3),
    max_leaves=8,
)
json_texts = st.one_of(
    st.sampled_from(["NaN", "-Infinity", "1e999999", "9" * 5000, "-" + "1" * 4301, "[" * 60_000]),
    st.sampled_from([r'"\ud800"', r'"\u0000"', r'"\udc00\ud800"', '"a', "'a'", "{", "}", "tru"]),
    st.integers(1, 3000).map(lambda depth: "[" * depth + "]" * depth),
    st.integers(1, 3000).map(lambda depth: '{"a":' * depth + "1" + "}" * depth),
    json_values.map(json.dumps),
)


@st.composite
def objects(draw: st.DrawFn) -> str:
    """A JSON object whose members have the protocol's names, and anything for values.

    Members come twice, or not at all; of two, the last one counts.
    """
    good = {"timestamp": draw(moments.flatmap(timestamps)), "species": "Robin", "name": "Bob"}
    keys = draw(st.lists(st.sampled_from([*good, "other"]), max_size=6))
    members = [
        (key, draw(json_texts) if draw(st.booleans()) else json.dumps(good.get(key)))
        for key in [*good, *keys]
    ]
    kept = draw(st.lists(st.sampled_from(members), max_size=8)) or members
    return "{" + ",".join(f"{json.dumps(key)}:{value}" for key, value in kept) + "}"


def _encoded(text: str, encoding: str) -> bytes:
    return text.encode(encoding, "xmlcharrefreplace" if encoding == "latin-1" else "surrogatepass")


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A valid packet after an accident on the way."""
    packet = bytearray(draw(valid()).packet)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(packet)))
        packet[at : at + draw(st.integers(0, 4))] = draw(st.binary(max_size=4))
    return bytes(packet)


any_packets: st.SearchStrategy[bytes] = st.one_of(
    st.binary(max_size=300),
    st.builds(_encoded, st.one_of(json_texts, objects()), st.sampled_from(ENCODINGS)),
    damaged(),
    valid().map(lambda sent: sent.packet),
)


# Messages between processes

i64 = st.integers(-(2**63), 2**63 - 1)
