"""How many events wait, whatever is acknowledged."""

import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from nodeproc.delivery.backlog import Backlog
from nodeproc.delivery.spoolfile import MAGIC, SpoolReader, record
from nodeproc.wire.frames import Frame, Kind, pack
from nodeproc.wire.messages import Batch, Status

EVENT = (0, "Erithacus rubecula", "Robin")
STATUS = Status("connected", 1.0, 1, False, "", None)


class Spool:
    """A spool's file, and the backlog that counts it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.path.write_bytes(MAGIC)
        self.descriptor = os.open(path, os.O_RDWR | os.O_APPEND)
        self.backlog = Backlog(SpoolReader(self.descriptor))

    def add(self, stream: int, *raw: bytes) -> None:
        """Append frames, each with the next number of the stream, from 1 on."""
        for number, each in enumerate(raw, 1):
            frame = Frame.of(each)._replace(stream=stream, sequence=number)
            numbered = pack(Kind(frame.kind), frame.value(), stream=stream, sequence=number)
            os.write(self.descriptor, record(numbered))
            self.backlog.add(frame, os.fstat(self.descriptor).st_size)

    def acknowledge(self, stream: int, sequence: int) -> tuple[int, float | None]:
        """Return how many events wait after that, and since when."""
        self.backlog.acknowledge(stream, sequence)
        return self.told

    @property
    def told(self) -> tuple[int, float | None]:
        return self.backlog.events, self.backlog.since


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    made = Spool(tmp_path / "nodes-7.spool")
    yield made
    os.close(made.descriptor)


def batch(at: float, events: int) -> bytes:
    return pack(Kind.BATCH, Batch(at, [EVENT] * events, [], 0))


def test_what_is_acknowledged_waits_no_more(spool: Spool) -> None:
    spool.add(7, *(batch(100.0 + number, number) for number in range(1, 5)))
    assert spool.told == (10, 101.0)
    assert spool.acknowledge(7, 2) == (7, 103.0)
    assert spool.acknowledge(7, 1) == (7, 103.0)  # once more, and late
    assert spool.acknowledge(8, 100) == (7, 103.0)  # of a stream that is not in it
    assert spool.acknowledge(7, 4) == (0, None)


def test_streams_may_be_acknowledged_in_any_order(spool: Spool) -> None:
    spool.add(1, batch(1.0, 1))
    spool.add(2, batch(2.0, 1))
    assert spool.acknowledge(2, 1) == (2, 1.0)
    assert spool.acknowledge(1, 1) == (0, None)


def test_frames_without_events_tell_no_age(spool: Spool) -> None:
    status = pack(Kind.STATUS, STATUS)
    spool.add(1, status, batch(1.0, 0))
    assert spool.told == (0, None)
    spool.add(2, batch(2.0, 1), status, batch(3.0, 0), batch(4.0, 1))
    assert spool.told == (2, 2.0)
    assert spool.acknowledge(1, 2) == (2, 2.0)
    assert spool.acknowledge(2, 1) == (1, 4.0)
    assert spool.acknowledge(2, 3) == (1, 4.0)
    assert spool.acknowledge(2, 4) == (0, None)


def test_what_is_appended_later_is_counted(spool: Spool) -> None:
    spool.add(1, batch(1.0, 1))
    assert spool.acknowledge(1, 1) == (0, None)
    spool.add(2, batch(2.0, 2), batch(3.0, 3))
    assert spool.told == (5, 2.0)
    assert spool.acknowledge(2, 1) == (3, 3.0)


def test_however_many_frames_there_are_it_is_exact(spool: Spool) -> None:
    count, random_ = 20_000, random.Random(849209)  # noqa: S311
    spool.add(1, *(batch(float(number), 1) for number in range(1, count + 1)))
    assert spool.told == (count, 1.0)
    acknowledged = 0
    while acknowledged < count - 1:
        acknowledged = min(acknowledged + random_.randrange(1, 5000), count - 1)
        assert spool.acknowledge(1, acknowledged) == (count - acknowledged, acknowledged + 1.0)
    assert spool.acknowledge(1, count) == (0, None)


def test_a_file_that_can_no_longer_be_read_stops_nobody(spool: Spool) -> None:
    spool.add(1, *(batch(float(number), 1) for number in range(1, 5)))
    os.truncate(spool.path, len(MAGIC))
    assert spool.acknowledge(1, 2) == (4, 1.0)
