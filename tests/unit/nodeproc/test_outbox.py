"""What is retained until it is acknowledged, in memory and in the spool."""

import contextlib
import os
from pathlib import Path

import pytest

from nodeproc.delivery.directory import spooled
from nodeproc.delivery.outbox import Outbox
from nodeproc.delivery.spool import Spool, SpoolError
from nodeproc.limits import NodeLimits
from nodeproc.wire.frames import Frame, FrameReader, Kind
from nodeproc.wire.messages import Batch
from nodeproc.wire.subjects import Origin, Subject

NODE = Origin(Subject.NODES, 7)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "spool"


class Bench:
    """An outbox, and a writer that reads what it sends."""

    def __init__(self, directory: Path, limits: NodeLimits | None = None) -> None:
        spool = Spool(directory, NODE, limits or NodeLimits())
        with contextlib.suppress(SpoolError):
            spool.take_up()
        self.outbox = Outbox(NODE, spool)

    def hand_up(self, *numbers: int) -> None:
        for number in numbers:
            self.outbox.append(Kind.BATCH, Batch(float(number), [], [], 0))

    def sent(self, most: int = 1000) -> list[Frame]:
        """Take what is to be sent, at most so many times."""
        taken = b""
        while most and (raw := self.outbox.take()):
            taken += raw
            most -= 1
        return list(FrameReader().feed(taken))

    def acknowledge(self, frame: Frame) -> None:
        self.outbox.acknowledge(frame.stream, frame.sequence)


def told(frames: list[Frame]) -> list[object]:
    """What the frames say: "resume n", or the number in the batch."""
    return [
        f"resume {frame.sequence}" if frame.kind == Kind.RESUME else int(frame.received_at)
        for frame in frames
    ]


def test_a_stream_is_resumed_and_then_numbered_from_one(directory: Path) -> None:
    bench = Bench(directory)
    bench.hand_up(10, 11)
    frames = bench.sent()
    assert told(frames) == ["resume 1", 10, 11]
    assert [frame.sequence for frame in frames] == [1, 1, 2]
    bench.hand_up(12)
    assert told(bench.sent()) == [12]


def test_frames_are_retained_until_they_are_acknowledged(directory: Path) -> None:
    bench = Bench(directory)
    bench.hand_up(1, 2, 3)
    _, _, second, third = bench.sent()
    bench.acknowledge(second)
    assert (len(bench.outbox), bench.outbox.first) == (1, 3)
    bench.acknowledge(third)
    assert (len(bench.outbox), bench.outbox.first, bench.outbox.size) == (0, 4, 0)
    assert not bench.outbox


def test_another_streams_acknowledgement_is_none(directory: Path) -> None:
    bench = Bench(directory)
    bench.hand_up(1)
    (_, frame) = bench.sent()
    bench.outbox.acknowledge(frame.stream ^ 1, 1)
    assert len(bench.outbox) == 1


def test_a_new_writer_gets_everything_that_was_not_acknowledged(directory: Path) -> None:
    bench = Bench(directory)
    bench.hand_up(1, 2, 3, 4)
    bench.acknowledge(bench.sent(2)[1])
    bench.outbox.rewind(2)
    assert told(bench.sent()) == ["resume 2", 2, 3, 4]


@pytest.mark.parametrize("sent_before", range(5))
@pytest.mark.parametrize("sent_after", range(5))
def test_spooling_changes_nothing_for_the_writer(
    directory: Path, sent_before: int, sent_after: int
) -> None:
    bench = Bench(directory)
    bench.hand_up(1, 2, 3, 4)
    frames = bench.sent(sent_before)
    bench.outbox.spool()
    assert (len(bench.outbox), bench.outbox.size) == (0, 0)
    bench.hand_up(5, 6)
    frames += bench.sent(sent_after)
    bench.outbox.spool()
    bench.hand_up(7)
    frames += bench.sent()
    assert told(frames) == ["resume 1", 1, 2, 3, 4, 5, 6, 7]
    bench.outbox.rewind(2)
    assert told(bench.sent()) == ["resume 1", 1, 2, 3, 4, 5, 6, 7]


def test_the_spool_is_gone_when_its_last_frame_is_acknowledged(directory: Path) -> None:
    bench = Bench(directory)
    bench.hand_up(1, 2)
    bench.outbox.spool()
    _, first, second = bench.sent()
    bench.acknowledge(first)
    assert bench.outbox.is_spooling
    assert spooled(directory) == [NODE]
    bench.acknowledge(second)
    assert not bench.outbox
    assert spooled(directory) == []
    bench.hand_up(3)
    assert told(bench.sent()) == [3]
    bench.outbox.spool()
    bench.outbox.rewind(2)
    assert told(bench.sent()) == ["resume 3", 3]


def test_the_next_process_replays_what_was_spooled_and_goes_on(directory: Path) -> None:
    for first in (1, 4):
        before = Bench(directory)
        before.hand_up(first, first + 1)
        before.sent(1)
        before.outbox.spool()
        before.hand_up(first + 2)
        before.outbox.spool(force=True)
    after = Bench(directory)
    after.hand_up(7, 8)
    frames = after.sent()
    assert told(frames) == ["resume 1", 1, 2, 3, "resume 1", 4, 5, 6, "resume 1", 7, 8]
    assert len({frame.stream for frame in frames}) == 3
    after.acknowledge(frames[7])
    assert not after.outbox.is_spooling
    after.outbox.rewind(2)
    assert told(after.sent()) == ["resume 1", 7, 8]


@pytest.mark.parametrize("cut", [1, 5, 30])
def test_a_torn_last_record_is_left_out(directory: Path, cut: int) -> None:
    before = Bench(directory)
    before.hand_up(1, 2)
    before.outbox.spool()
    path = directory / f"{NODE}.spool"
    path.write_bytes(path.read_bytes()[:-cut])
    after = Bench(directory)
    assert told(after.sent()) == ["resume 1", 1]
    after.hand_up(3)
    after.outbox.spool()
    after.outbox.rewind(2)
    assert told(after.sent()) == ["resume 1", 1, "resume 1", 3]


def test_a_file_that_is_no_spool_is_set_aside(directory: Path) -> None:
    directory.mkdir()
    path = directory / f"{NODE}.spool"
    path.write_text("a letter to the warden")
    bench = Bench(directory)
    assert not bench.outbox
    (aside,) = directory.iterdir()
    assert aside.read_text() == "a letter to the warden"
    assert spooled(directory) == []
    bench.hand_up(1)
    bench.outbox.spool()
    assert told(bench.sent()) == ["resume 1", 1]


def test_an_empty_file_is_no_damage(directory: Path) -> None:
    directory.mkdir()
    (directory / f"{NODE}.spool").touch()
    assert Spool(directory, NODE, NodeLimits()).take_up() == 0
    assert spooled(directory) == []


def test_what_can_no_longer_be_read_is_set_aside_and_the_stream_goes_on(
    directory: Path,
) -> None:
    bench = Bench(directory)
    bench.hand_up(1, 2)
    bench.outbox.spool()
    bench.hand_up(3)
    path = directory / f"{NODE}.spool"
    path.write_bytes(path.read_bytes()[:20])
    with pytest.raises(SpoolError, match="cannot be read back"):
        bench.sent()
    bench.outbox.give_up_spool()
    assert told(bench.sent()) == ["resume 3", 3]


def test_what_could_not_be_taken_up_at_first_is_not_written_over(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk was read-only when the process began, and is not any more when it spools."""
    before = Bench(directory)
    before.hand_up(1, 2)
    before.outbox.spool()
    real = os.open

    def read_only(*_: object) -> int:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(os, "open", read_only)
    after = Bench(directory)
    monkeypatch.setattr(os, "open", real)
    after.hand_up(3, 4)
    assert told(after.sent(1)) == ["resume 1", 3]
    after.outbox.spool()
    assert told(after.sent()) == ["resume 1", 1, 2, "resume 1", 3, 4]


def test_at_its_limit_the_spool_takes_nothing_and_memory_keeps_it(directory: Path) -> None:
    bench = Bench(directory, NodeLimits(spool_bytes=200))
    bench.hand_up(1, 2)
    bench.outbox.spool()
    bench.hand_up(*range(3, 10))
    size = bench.outbox.size
    with pytest.raises(SpoolError, match="its spool has reached its limit"):
        bench.outbox.spool()
    assert (len(bench.outbox), bench.outbox.size) == (7, size)
    bench.outbox.spool(force=True)
    assert told(bench.sent()) == ["resume 1", *range(1, 10)]


def test_all_spools_together_have_a_limit(directory: Path) -> None:
    directory.mkdir()
    (directory / "nodes-8.spool").write_bytes(bytes(290))
    bench = Bench(directory, NodeLimits(spool_total_bytes=300))
    bench.hand_up(1)
    with pytest.raises(SpoolError, match="all spools together"):
        bench.outbox.spool()
    (directory / "nodes-8.spool").unlink()
    bench.outbox.spool()
    assert told(bench.sent()) == ["resume 1", 1]


def test_a_directory_that_cannot_be_used_is_an_error_in_words(directory: Path) -> None:
    directory.write_text("not a directory")
    bench = Bench(directory)
    bench.hand_up(1)
    with pytest.raises(SpoolError, match=r"file exists|not a directory"):
        bench.outbox.spool()
    assert told(bench.sent()) == ["resume 1", 1]


def test_a_full_disk_leaves_no_torn_record(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file system has room for half of what is written, then for none."""
    bench = Bench(directory)
    bench.hand_up(1)
    bench.outbox.spool()
    bench.hand_up(2, 3)
    real, room = os.pwrite, [40]

    def full(descriptor: int, data: memoryview, offset: int) -> int:
        if not room[0]:
            raise OSError(28, "No space left on device")
        part, room[0] = data[: room[0]], 0
        return real(descriptor, part, offset)

    monkeypatch.setattr(os, "pwrite", full)
    with pytest.raises(SpoolError, match="no space left on device"):
        bench.outbox.spool()
    monkeypatch.setattr(os, "pwrite", real)
    assert told(bench.sent()) == ["resume 1", 1, 2, 3]
    assert Spool(directory, NODE, NodeLimits()).take_up() == 0
    bench.outbox.spool()
    bench.outbox.rewind(2)
    assert told(bench.sent()) == ["resume 1", 1, 2, 3]
