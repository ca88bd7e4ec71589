"""Packets by the million, from a seed: valid ones, damaged ones, hostile JSON, noise.

Fast and plain on purpose; what shrinks a failure to its cause is hypothesis (`tests/property`).
"""

import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from birdwatcher.simulator import garbage
from birdwatcher.simulator.events import EventSource
from tests.fuzz.oracle import cut
from tests.support.packets import framed

PACKETS_PER_STREAM = 50
IMPOSSIBLE_EVERY = 10  # streams: one of so many ends in a length that cannot be true

# Pieces of packets with a history: what parsers, clocks and databases have stumbled over.
TOKENS = (
    b'"', b"\\", b"{", b"}", b"[", b"]", b":", b",", b"0", b"-", b"e", b".", b"\0", b"\x80",
    b"\xef\xbb\xbf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xc0\x80", b"\xe2\x80\xa8", b"\n",
    b"\\u0000", b"\\ud800", b"\\udc00", b"\\ud83d\\udc26", b"\\x", b"\\u", b"null", b"true",
    b"NaN", b"Infinity", b"-Infinity", b"1e400", b"1e-400", b"99999999999999999999", b"\xff",
    b'"timestamp":', b'"species":', b'"name":', b'"name":null,', b"0001-01-01", b"9999-12-31",
    b"+24:00", b"-23:59", b"T24:00", b":60", b"Z", b"2026-W53-7", b"2026366", b",5", b"\xd9\xa0",
)  # fmt: skip
TIMESTAMPS = (
    "2026-05-01T08:46:00.250+02:00", "2026-05-01 08:46", "20260501T084600Z", "2026-W18-5",
    "9999-12-30T00:00:00Z", "9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59:59.999999",
    "2026-02-29", "24:00", "2026-05-01T24:00", "\u0662026-05-01", "", "now", "1777625160",
    "0001-01-02",
)  # fmt: skip
TEXTS = (
    "Robin", "シジュウカラ", "", " ", "\0", "\ud800", "\udc26\ud83d", "🐦" * 255, "x" * 256,
    "\u2028", "a\u0301", "\ufeff", "\x1b[31m", "'; DROP TABLE birds_bird; --", "\r\n",
)  # fmt: skip
VALUES: tuple[Any, ...] = (
    None, True, 0, -1, 2**63, 10**4299, 1.5, 1e308, float("nan"), float("inf"), [], {}, [[]],
    {"": {}},
)  # fmt: skip
ASCII = range(0x20, 0x7F)
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


def streams(seed: int) -> Iterator[list[bytes]]:
    """Yield what one connection after the other brings, each as the list of its reads, for ever."""
    rng = random.Random(seed)  # noqa: S311 repeatable is what it has to be
    source = EventSource(rng, clock=lambda: NOON + timedelta(microseconds=rng.randrange(10**14)))
    while True:
        stream = framed(_packet(rng, source) for _ in range(PACKETS_PER_STREAM))
        if rng.randrange(IMPOSSIBLE_EVERY) == 0:
            stream += garbage.impossible_length(rng) + rng.randbytes(8)
        elif rng.random() < 0.5:
            stream = stream[: -rng.randint(1, 8)]
        yield list(cut(stream, [rng.randint(1, 2 ** rng.randint(4, 14)) for _ in range(4)]))


def _packet(rng: random.Random, source: EventSource) -> bytes:
    way = rng.random()
    if way < 0.1:
        return source.next().payload()
    if way < 0.5:
        return mutated(rng, source.next().payload(), rng.randint(1, 6))
    if way < 0.9:
        return _structured(rng)
    if way < 0.95:
        return rng.randbytes(rng.randint(1, 60))
    return garbage.malformed(rng, source.next()) or b"\0"


def mutated(rng: random.Random, packet: bytes, accidents: int) -> bytes:
    """Return `packet` after so many accidents; never empty."""
    data = bytearray(packet)
    for _ in range(accidents):
        at = rng.randint(0, len(data))
        end = at + rng.choice((0, 1, 1, 2, 8, 40))
        match rng.randrange(5):
            case 0:
                data[at:end] = rng.choice(TOKENS)
            case 1:
                data[at:end] = b""
            case 2:
                data[at:at] = data[at:end] * rng.choice((1, 2, 50))
            case 3 if at < len(data):
                data[at] ^= 1 << rng.choice((0, 1, 2, 3, 4, 5, 5, 6, 6, 7))
            case _:
                data[at:end] = bytes(rng.choices(ASCII, k=rng.randint(1, 4)))
    return bytes(data) or b"\0"


def rewritten(rng: random.Random, packet: bytes) -> bytes:
    """Return the JSON object `packet` with another member, or a changed one; it stays JSON.

    Raises ValueError, or RecursionError, if it is none.
    """
    fields = json.loads(packet)
    if not isinstance(fields, dict):
        raise ValueError("not an object")
    key = rng.choice([*fields, "timestamp", "species", "name"])
    value = fields.get(key)
    if isinstance(value, str) and value and rng.random() < 0.7:
        at = rng.randrange(len(value))
        piece = rng.choice((*TEXTS, *TIMESTAMPS, *value))[: rng.choice((1, 1, 2, 20))]
        fields[key] = value[:at] + piece + value[at + rng.choice((0, 1, 1, 20)) :]
    else:
        fields[key] = rng.choice(TIMESTAMPS if key == "timestamp" else (*TEXTS, *VALUES))
    return json.dumps(fields, ensure_ascii=rng.random() < 0.5).encode("utf-8", "surrogatepass")


def _structured(rng: random.Random) -> bytes:
    """JSON of the right shape, with values of any kind in it."""
    fields: dict[str, Any] = {
        "timestamp": _one_of(rng, TIMESTAMPS),
        "species": _one_of(rng, TEXTS),
        "name": _one_of(rng, TEXTS),
    }
    if rng.random() < 0.1:
        del fields[rng.choice(tuple(fields))]
    if rng.random() < 0.2:
        fields[rng.choice(TEXTS)] = _nested(rng)
    text = json.dumps(fields, ensure_ascii=rng.random() < 0.5)
    encoding = "utf-8" if rng.random() < 0.97 else rng.choice(("utf-8-sig", "utf-16", "utf-32"))
    return text.encode(encoding, "surrogatepass")


def _one_of(rng: random.Random, usual: tuple[str, ...]) -> Any:
    return rng.choice(usual if rng.random() < 0.9 else VALUES)


def _nested(rng: random.Random) -> Any:
    value: Any = rng.choice(VALUES)
    for _ in range(rng.choice((0, 1, 3, 30, 200))):
        value = [value] if rng.random() < 0.5 else {"n": value}
    return value
