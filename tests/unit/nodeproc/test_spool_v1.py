"""Spools of the version before are taken up, and committed, like those of today."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from nodeproc.delivery import spool_v1
from nodeproc.delivery.directory import spooled, total_size
from nodeproc.delivery.outbox import Outbox
from nodeproc.delivery.spool import Spool, SpoolError
from nodeproc.delivery.spool_v1 import HEADER_V1, SpoolReaderV1
from nodeproc.delivery.spoolfile import MAGIC, spool_path
from nodeproc.limits import NodeLimits
from nodeproc.wire.frames import Frame, FrameReader, Kind, UndecodableError
from nodeproc.wire.messages import Batch, Status
from nodeproc.wire.subjects import Origin, Subject
from tests.support import requirements

# Written by the old code: two processes, the first spooled twice; its tail is torn.
WRITTEN = (Path(__file__).parents[2] / "support" / "spools" / "v1.spool").read_bytes()
TORN = 76  # bytes of the last record that are left

NODE = Origin(Subject.NODES, 7)
AT = 1_777_625_160.25
FIRST, SECOND = 0x1111111111111111, 0x2222222222222222  # streams
VALUES = [
    (FIRST, 1, Status("connected", AT, 4711, False, "", None)),
    (
        FIRST,
        2,
        Batch(
            AT,
            [
                (1_777_625_160_000_000, "Erithacus rubecula", "Robin"),
                (-1, "シジュウカラ", "さくら"),
            ],
            [],
            0,
        ),
    ),
    (
        FIRST,
        3,
        Batch(
            AT + 1,
            [(1_777_625_161_000_000, "Pica pica", "Élster 🐦")],
            [(AT + 1, "not JSON", 7, b"garb\x00\xff")],
            2,
        ),
    ),
    (FIRST, 4, Status("backing off", AT + 2, 4711, False, "connection refused", AT + 3.5)),
    (FIRST, 5, Batch(AT + 2, [], [(AT + 2, "not UTF-8", 3, b"\xff\xfe\xfd")], 1)),
    (SECOND, 1, Status("connected", AT + 60, 4712, True, "", None)),
    (SECOND, 2, None),  # no batch, by a bug
    (SECOND, 3, Batch(AT + 61, [(n, "Erithacus rubecula", f"#{n}") for n in range(3)], [], 0)),
]


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / "7.spool").write_bytes(WRITTEN)
    return tmp_path


def take_up(directory: Path) -> tuple[Outbox, int]:
    """Return a new process's outbox, and how many bytes of its spool were damaged."""
    spool = Spool(directory, NODE, NodeLimits())
    damaged = spool.take_up()
    return Outbox(NODE, spool), damaged


def sent(outbox: Outbox) -> list[Frame]:
    taken = b""
    while raw := outbox.take():
        taken += raw
    return [frame for frame in FrameReader().feed(taken) if frame.kind != Kind.RESUME]


def value_of(frame: Frame) -> object:
    try:
        return frame.value()
    except UndecodableError:
        return None


def told(frames: list[Frame]) -> list[tuple[int, int, object]]:
    return [(frame.stream, frame.sequence, value_of(frame)) for frame in frames]


def names(directory: Path) -> set[str]:
    return {path.name.partition("-1")[0] for path in directory.iterdir()}


def test_everything_in_it_is_sent(directory: Path) -> None:
    outbox, damaged = take_up(directory)
    assert damaged == TORN
    frames = sent(outbox)
    assert told(frames) == VALUES
    assert {frame.origin for frame in frames} == {NODE}
    assert (outbox.spooled_events, outbox.oldest) == (6, AT)


def test_it_becomes_a_spool_of_today(directory: Path) -> None:
    take_up(directory)
    assert names(directory) == {"nodes-7.spool", "nodes-7.damaged"}
    (aside,) = directory.glob("*.damaged-*")
    assert aside.read_bytes() == WRITTEN[-TORN:]
    assert spool_path(directory, NODE).read_bytes().startswith(MAGIC)
    assert total_size(directory) == spool_path(directory, NODE).stat().st_size
    outbox, damaged = take_up(directory)
    assert (told(sent(outbox)), damaged) == (VALUES, 0)


def test_what_cannot_be_read_keeps_its_bytes_and_its_number(directory: Path) -> None:
    outbox, _ = take_up(directory)
    unreadable = sent(outbox)[6]
    assert (unreadable.kind, unreadable.events) == (Kind.BATCH, 0)
    assert b"a bug's" in unreadable.body
    assert unreadable.body in WRITTEN


def test_it_is_acknowledged_and_gone(directory: Path) -> None:
    outbox, _ = take_up(directory)
    *_, last = sent(outbox)
    outbox.acknowledge(FIRST, 5)
    assert (outbox.spooled_events, outbox.oldest) == (3, AT + 61)
    outbox.acknowledge(last.stream, last.sequence)
    assert not outbox
    assert names(directory) == {"nodes-7.damaged"}


def test_what_is_spooled_later_comes_after_it(directory: Path) -> None:
    outbox, _ = take_up(directory)
    outbox.append(Kind.BATCH, Batch(AT + 90, [], [], 1))
    outbox.spool()
    assert told(sent(outbox))[:-1] == VALUES


def test_both_versions_are_listed_and_counted(directory: Path) -> None:
    (directory / "nodes-12.spool").write_bytes(MAGIC)
    (directory / "nodes-7.spool").write_bytes(MAGIC)
    (directory / "3.spool").touch()
    for name in (
        *("stars-1.spool", "warden.spool", "5.damaged-1", "nodes-5.spool.converting"),
        *("007.spool", "nodes-08.spool", "0.spool", "nodes-0.spool", "-9.spool", "nodes--9.spool"),
        *(f"{2**63}.spool", f"nodes-{2**63}.spool", "nodes-.spool", "NODES-4.spool", ".spool"),
    ):
        (directory / name).touch()
    assert spooled(directory) == [Origin(Subject.NODES, number) for number in (3, 7, 12)]
    assert total_size(directory) == len(WRITTEN) + 2 * len(MAGIC)


def test_if_there_are_both_the_old_one_comes_first(directory: Path) -> None:
    """The old one could not be read when the process began, and it spooled meanwhile."""
    (directory / "7.spool").rename(directory / "old")
    outbox, _ = take_up(directory)
    outbox.append(Kind.BATCH, Batch(AT + 90, [(1, "a", "b")], [], 0))
    outbox.spool()
    (directory / "old").rename(directory / "7.spool")
    outbox, _ = take_up(directory)
    frames = sent(outbox)
    assert told(frames[:-1]) == VALUES
    assert frames[-1].received_at == AT + 90
    assert outbox.spooled_events == 7


def test_a_crash_in_the_middle_of_it_loses_nothing(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(spool_v1, "_copy_new", full)
        with pytest.raises(SpoolError, match="no space left on device"):
            take_up(directory)
    assert (directory / "7.spool").read_bytes() == WRITTEN
    assert names(directory) == {"7.spool"}  # what is unfinished would keep a full disk full
    assert spooled(directory) == [NODE]
    outbox, _ = take_up(directory)
    assert told(sent(outbox)) == VALUES
    assert names(directory) == {"nodes-7.spool", "nodes-7.damaged"}


def test_what_could_not_be_taken_up_at_first_is_taken_up_when_it_spools(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = Spool(directory, NODE, NodeLimits())
    outbox = Outbox(NODE, spool)
    outbox.append(Kind.BATCH, Batch(AT + 90, [], [], 1))
    assert len(sent(outbox)) == 1
    outbox.spool()
    assert told(sent(outbox))[:-1] == VALUES


@pytest.mark.parametrize("content", [b"", spool_v1.MAGIC_V1])
def test_an_empty_one_is_removed(directory: Path, content: bytes) -> None:
    (directory / "7.spool").write_bytes(content)
    outbox, damaged = take_up(directory)
    assert (bool(outbox), damaged, names(directory)) == (False, 0, set())


def test_a_file_that_is_no_spool_is_kept_for_people(directory: Path) -> None:
    (directory / "7.spool").write_text("a letter to the warden")
    outbox, damaged = take_up(directory)
    assert (bool(outbox), damaged) == (False, 22)
    (aside,) = directory.iterdir()
    assert aside.read_text() == "a letter to the warden"


def test_it_is_read_without_being_changed(directory: Path) -> None:
    with (directory / "7.spool").open("rb") as file:
        frames = list(SpoolReaderV1(file.fileno()).all())
    assert told([frame for frame, _ in frames]) == VALUES
    assert frames[-1][1] == len(WRITTEN) - TORN
    assert len(frames[0][0].raw) > HEADER_V1.size
    assert names(directory) == {"7.spool"}


def test_only_files_are_spools(directory: Path) -> None:
    (directory / "nodes-8.spool").mkdir()
    (directory / "nodes-9.spool").symlink_to("nodes-9.spool")
    (directory / "nodes-10.spool").symlink_to("nowhere")
    os.mkfifo(directory / "11.spool")
    assert spooled(directory) == [NODE]


def test_only_its_user_may_read_it(directory: Path) -> None:
    take_up(directory)
    assert {path.stat().st_mode & 0o777 for path in directory.iterdir()} == {0o600}


def test_the_new_file_is_on_the_disk_before_the_old_one_is_removed(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[tuple[int, set[str]]] = []

    def fsync(descriptor: int) -> None:
        synced.append((os.fstat(descriptor).st_size, names(directory)))

    monkeypatch.setattr(os, "fsync", fsync)
    take_up(directory)
    whole = spool_path(directory, NODE).stat().st_size
    assert synced == [(whole, {"7.spool", "nodes-7.spool.converting"})]


def test_what_could_not_be_taken_up_at_first_is_sent_before_what_is_in_memory(
    directory: Path,
) -> None:
    outbox = Outbox(NODE, Spool(directory, NODE, NodeLimits()))
    for _ in range(2):
        outbox.append(Kind.BATCH, Batch(AT + 90, [], [], 1))
        own = sent(outbox)
    assert outbox.take_up() == TORN
    assert told(sent(outbox)) == [*VALUES, *((outbox.stream, n, own[0].value()) for n in (1, 2))]


def test_what_may_not_be_removed_is_not_copied(directory: Path) -> None:
    chattr, old = shutil.which("chattr"), str(directory / "7.spool")
    if not chattr or subprocess.run([chattr, "+i", old], check=False).returncode:
        requirements.left_out("chattr", "no file can be made immutable here")
    try:
        with pytest.raises(SpoolError, match="operation not permitted"):
            take_up(directory)
        assert names(directory) == {"7.spool"}
    finally:
        subprocess.run([chattr, "-i", old], check=True)
    outbox, _ = take_up(directory)
    assert told(sent(outbox)) == VALUES
