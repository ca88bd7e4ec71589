"""What must hold of whatever a node sends, written apart from the code that it judges.

A check returns what became of the packets, and raises AssertionError, or lets through whatever the
code under test raised.
"""

import itertools
import logging
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta, timezone

from nodeproc.limits import NodeLimits
from nodeproc.logs.fold import Fold
from nodeproc.sources.tcp.events import InvalidPacketError, parse_event
from nodeproc.sources.tcp.receiver import Receiver
from nodeproc.wire.frames import FrameReader, Kind, pack
from nodeproc.wire.messages import RAW_BYTES, Batch, Event
from nodeproc.wire.reasons import Reason

# A packet's end: an event (None), or the reason why it is none.
Verdict = Reason | None

LIMIT = NodeLimits().max_packet_bytes
MAX_TEXT = 255
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# What every time zone can show of what a datetime can hold.
EARLIEST = datetime(1, 1, 2, tzinfo=UTC)
LATEST = datetime(9999, 12, 30, tzinfo=UTC)
FARTHEST = (timezone(timedelta(hours=-23, minutes=-59)), timezone(timedelta(hours=23, minutes=59)))
# Behind a length that cannot be true nobody knows where the next packet begins.
IMPOSSIBLE = (Reason.LENGTH_ZERO, Reason.TOO_LARGE)

_nobody = logging.getLogger("tests.fuzz.nobody")
_nobody.disabled = True


def check_packet(packet: bytes) -> Verdict:
    """Check what becomes of the content of one packet."""
    verdict, event = judge(packet)
    if event:
        check_event(event)
        (frame,) = FrameReader().feed(pack(Kind.BATCH, Batch(0.0, [event], [], 0)))
        assert frame.value() == Batch(0.0, [event], [], 0), "it does not survive the pipe"
    return verdict


def judge(packet: bytes) -> tuple[Verdict, Event | None]:
    """Return what the validator makes of a packet: the reason against it, or the event."""
    try:
        return None, parse_event(packet)
    except InvalidPacketError as error:
        return Reason(error.reason), None


def check_event(event: Event) -> None:
    """Check that both databases can hold it: PostgreSQL takes less than SQLite, so its rules."""
    microseconds, species, name = event
    assert type(event) is tuple
    assert type(microseconds) is int
    moment = EPOCH + timedelta(microseconds=microseconds)
    assert EARLIEST <= moment <= LATEST
    for zone in FARTHEST:
        moment.astimezone(zone)
    for text in (species, name):
        assert type(text) is str
        assert 1 <= len(text) <= MAX_TEXT
        assert "\0" not in text
        text.encode()


def check_reads(reads: Iterable[bytes], limit: int = LIMIT) -> list[Verdict]:
    """Check what one connection makes of what its reads yield, against the stream as a whole.

    Return what became of every packet, the last and unfinished one included.
    """
    reads = list(reads)
    packets, end = packets_in(b"".join(reads), limit)
    judged = [judge(packet) for packet in packets]
    verdicts = [verdict for verdict, _ in judged]
    if end:
        verdicts.append(end)
    events = [event for _, event in judged if event]
    reasons = [verdict for verdict in verdicts if verdict]

    batches, lost = _received(reads, limit)
    assert bool(lost) == (end in IMPOSSIBLE), "why the connection is over"
    assert [event for batch in batches for event in batch.events] == events
    assert sum(batch.rejected for batch in batches) == len(reasons)
    for batch in batches:
        _check_batch(batch)
    kept = [rejection[1] for batch in batches for rejection in batch.rejections]
    if len(kept) == len(reasons):
        assert kept == [reason.value for reason in reasons]
    for event in events:
        check_event(event)
    return verdicts


def _received(reads: list[bytes], limit: int) -> tuple[list[Batch], str | None]:
    receiver = Receiver(limit, Fold(_nobody), clock=lambda: 0.0)
    batches = []
    lost = None
    for data in reads:
        batch, lost = receiver.receive(data)
        batches.append(batch)
        if lost:
            break
    batches.append(receiver.end())
    assert not receiver.is_midway
    return [batch for batch in batches if batch], lost


def _check_batch(batch: Batch) -> None:
    (frame,) = FrameReader().feed(pack(Kind.BATCH, batch))
    assert frame.value() == batch, "it does not survive the pipe"
    assert batch.events or batch.rejected, "a batch with nothing in it"
    assert bool(batch.rejections) == bool(batch.rejected)
    assert len(batch.rejections) <= batch.rejected
    for _, reason, size, raw in batch.rejections:
        assert Reason(reason)
        assert 0 <= size < 2**32
        assert len(raw) <= RAW_BYTES


def packets_in(stream: bytes, limit: int) -> tuple[list[bytes], Verdict]:
    """Return the packets of a stream, and what is to be said of its end, if anything."""
    packets = []
    while len(stream) >= 4:
        length = int.from_bytes(stream[:4], "little")
        if not 1 <= length <= limit:
            return packets, Reason.TOO_LARGE if length else Reason.LENGTH_ZERO
        if len(stream) < 4 + length:
            break
        packets.append(stream[4 : 4 + length])
        stream = stream[4 + length :]
    return packets, Reason.TRUNCATED if stream else None


def cut(data: bytes, sizes: Iterable[int]) -> Iterator[bytes]:
    """Cut `data` into reads of these sizes, again and again."""
    at = 0
    for size in itertools.cycle(sizes):
        if at >= len(data):
            return
        yield data[at : at + size]
        at += size
