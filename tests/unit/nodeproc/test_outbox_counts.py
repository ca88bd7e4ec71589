"""What an outbox tells of the events that wait in it, in memory and in the spool."""

from pathlib import Path

import pytest

from nodeproc.delivery.outbox import Outbox
from nodeproc.delivery.spool import Spool
from nodeproc.limits import NodeLimits
from nodeproc.wire.frames import FrameReader, Kind
from nodeproc.wire.messages import Batch
from nodeproc.wire.subjects import Origin, Subject

NODE = Origin(Subject.NODES, 7)
EVENT = (0, "Erithacus rubecula", "Robin")


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "spool"


def make(directory: Path) -> Outbox:
    """A new process of the node."""
    spool = Spool(directory, NODE, NodeLimits())
    spool.take_up()
    return Outbox(NODE, spool)


def hand_up(outbox: Outbox, *batches: tuple[float, int]) -> None:
    for at, events in batches:
        outbox.append(Kind.BATCH, Batch(at, [EVENT] * events, [], 0))


def take(outbox: Outbox) -> list[tuple[int, int]]:
    """Take everything; return stream and sequence number of each frame but RESUME."""
    taken = []
    while raw := outbox.take():
        frames = FrameReader().feed(raw)
        taken += [(it.stream, it.sequence) for it in frames if it.kind != Kind.RESUME]
    return taken


def told(outbox: Outbox) -> tuple[int, int, float | None]:
    return outbox.events, outbox.spooled_events, outbox.oldest


def test_in_memory(directory: Path) -> None:
    outbox = make(directory)
    assert told(outbox) == (0, 0, None)
    outbox.append(Kind.STATUS, ("connected", 1.0, 1, False, "", None))
    assert told(outbox) == (0, 0, None)
    hand_up(outbox, (1.0, 0), (2.0, 3), (3.0, 4))
    assert told(outbox) == (7, 0, 2.0)
    *_, (stream, last) = take(outbox)
    assert told(outbox) == (7, 0, 2.0)
    outbox.acknowledge(stream, last - 1)
    assert told(outbox) == (4, 0, 3.0)
    outbox.acknowledge(stream, last)
    assert told(outbox) == (0, 0, None)


def test_in_the_spool_and_behind_it(directory: Path) -> None:
    outbox = make(directory)
    hand_up(outbox, (1.0, 1), (2.0, 2))
    take(outbox)
    hand_up(outbox, (3.0, 3))
    outbox.spool()
    hand_up(outbox, (4.0, 4))
    assert told(outbox) == (4, 6, 1.0)
    assert outbox.spooled_bytes == (directory / f"{NODE}.spool").stat().st_size
    outbox.rewind(2)
    assert told(outbox) == (4, 6, 1.0)
    for (stream, sequence), expected in zip(
        take(outbox), [(4, 5, 2.0), (4, 3, 3.0), (4, 0, 4.0), (0, 0, None)], strict=True
    ):
        outbox.acknowledge(stream, sequence)
        assert told(outbox) == expected
    assert outbox.spooled_bytes == 0


def test_of_an_earlier_process(directory: Path) -> None:
    outbox = make(directory)
    hand_up(outbox, (1.0, 1), (2.0, 2))
    outbox.spool(force=True)
    outbox = make(directory)
    hand_up(outbox, (3.0, 3))
    assert told(outbox) == (3, 3, 1.0)
    outbox.spool()
    assert told(outbox) == (0, 6, 1.0)
    taken = take(outbox)
    outbox.acknowledge(*taken[1])
    assert told(outbox) == (0, 3, 3.0)
    outbox.rewind(2)  # to a new writer, which acknowledges all of it again
    for frame in take(outbox):
        outbox.acknowledge(*frame)
    assert told(outbox) == (0, 0, None)


def test_of_a_spool_that_is_set_aside(directory: Path) -> None:
    outbox = make(directory)
    hand_up(outbox, (1.0, 1))
    outbox.spool()
    outbox.give_up_spool()
    hand_up(outbox, (2.0, 2))
    assert told(outbox) == (2, 0, 2.0)
