"""A damaged spool: what is sound behind the damage is found, and nothing else is taken for it."""

import os
import zlib
from pathlib import Path

import pytest

from nodeproc.delivery import resync, spoolfile
from nodeproc.delivery.aside import listed
from nodeproc.delivery.outbox import Outbox
from nodeproc.delivery.spool import Spool, SpoolError
from nodeproc.delivery.spool_v1 import MAGIC_V1
from nodeproc.delivery.spoolfile import CRC, MAGIC, SpoolReader, spool_path
from nodeproc.limits import NodeLimits
from nodeproc.wire.frames import HEADER, Frame, FrameReader, Kind, pack
from nodeproc.wire.messages import Batch
from nodeproc.wire.subjects import Origin, Subject

NODE = Origin(Subject.NODES, 7)
COUNT = 5


def batch(number: int, raw: bytes = b"") -> Batch:
    rejections = [(1.0, "not JSON", len(raw), raw)] if raw else []
    return Batch(float(number), [(number, "Robin", "Bob")], rejections, len(rejections))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A spool of five records of the same size."""
    outbox = Outbox(NODE, Spool(tmp_path, NODE, NodeLimits()))
    for number in range(1, COUNT + 1):
        outbox.append(Kind.BATCH, batch(number))
    outbox.spool()
    return spool_path(tmp_path, NODE)


def record_size(path: Path) -> int:
    return (path.stat().st_size - len(MAGIC)) // COUNT


def take_up(path: Path) -> tuple[Outbox, int]:
    outbox = Outbox(NODE, Spool(path.parent, NODE, NodeLimits()))
    return outbox, outbox.take_up()


def sent(outbox: Outbox) -> list[Frame]:
    return list(FrameReader().feed(b"".join(iter(outbox.take, None))))


def told(frames: list[Frame]) -> list[object]:
    """What the frames say: "resume n", "n to m are gone", or the number in the batch."""
    says = {
        Kind.RESUME: lambda it: f"resume {it.sequence}",
        Kind.GAP: lambda it: f"{it.value()} to {it.sequence} are gone",
    }
    return [says.get(Kind(it.kind), lambda it: int(it.received_at))(it) for it in frames]


def flip(path: Path, offset: int) -> None:
    data = bytearray(path.read_bytes())
    data[offset] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("place", ["checksum", "length", "id", "body", "every byte in turn"])
@pytest.mark.parametrize("number", range(1, COUNT + 1))
def test_one_flipped_byte_costs_one_frame(path: Path, number: int, place: str) -> None:
    size = record_size(path)
    begin = len(MAGIC) + (number - 1) * size
    places = {"checksum": [0], "length": [CRC.size], "id": [CRC.size + 6], "body": [size - 1]}
    for at in places.get(place, range(0, size, 7)):
        flip(path, begin + at)
        with path.open("rb") as file:
            found = [frame.sequence for frame, _ in SpoolReader(file.fileno(), NODE).all()]
        assert found == [it for it in range(1, COUNT + 1) if it != number], at
        flip(path, begin + at)


def test_the_writer_learns_what_is_missing_and_the_file_is_kept(path: Path) -> None:
    size = record_size(path)
    content = path.read_bytes()
    damaged = bytearray(content)
    damaged[len(MAGIC) + size : len(MAGIC) + 3 * size] = b"x" * 2 * size
    path.write_bytes(damaged)
    outbox, bytes_damaged = take_up(path)
    assert (bytes_damaged, outbox.spooled_events) == (2 * size, 3)
    frames = sent(outbox)
    assert told(frames) == ["resume 1", 1, "2 to 3 are gone", 4, 5]
    outbox.acknowledge(frames[-1].stream, 4)
    assert outbox.spooled_events == 1
    outbox.acknowledge(frames[-1].stream, 5)
    assert not outbox
    ((*_, name, _, why, _),) = [tuple(it) for it in listed(path.parent)]
    assert why == "damaged"
    assert (path.parent / name).read_bytes() == damaged


def test_damage_in_the_first_bytes_is_no_other_version(path: Path) -> None:
    flip(path, 2)
    outbox, _ = take_up(path)
    assert told(sent(outbox)) == ["resume 1", 1, 2, 3, 4, 5]
    flip(path, len(MAGIC) - 1)
    outbox, damaged = take_up(path)
    assert (bool(outbox), damaged > 0) == (False, True)


def test_damage_that_comes_while_it_is_read_is_passed_over(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spoolfile, "READ_AHEAD", 1)
    outbox, _ = take_up(path)
    assert outbox.take()
    flip(path, len(MAGIC) + record_size(path) + CRC.size + 3)
    assert told(sent(outbox)) == ["2 to 2 are gone", 3, 4, 5]
    os.truncate(path, len(MAGIC) + 4 * record_size(path))
    outbox.rewind(2)
    with pytest.raises(SpoolError, match="cannot be read back"):
        sent(outbox)


def test_what_a_node_hides_in_a_packet_is_not_taken_for_a_record(tmp_path: Path) -> None:
    """A whole record, with its checksum, in the bytes of a packet that was rejected."""
    forged = pack(Kind.BATCH, batch(666), origin=NODE, stream=1, sequence=1)
    hidden = CRC.pack(zlib.crc32(forged)) + forged
    outbox = Outbox(NODE, Spool(tmp_path, NODE, NodeLimits()))
    outbox.append(Kind.BATCH, batch(1, hidden))
    outbox.append(Kind.BATCH, batch(2))
    outbox.spool()
    path = spool_path(tmp_path, NODE)
    flip(path, len(MAGIC) + CRC.size + HEADER.size)  # the body: its length is known
    assert told(sent(take_up(path)[0])) == ["resume 2", 2]


def test_a_kind_of_frame_that_no_spool_has_is_damage(path: Path) -> None:
    raw = pack(Kind.RELOAD, 10, origin=NODE, stream=1, sequence=1)
    content = path.read_bytes()
    path.write_bytes(MAGIC + CRC.pack(zlib.crc32(raw)) + raw + content[len(MAGIC) :])
    assert told(sent(take_up(path)[0])) == ["resume 1", 1, 2, 3, 4, 5]


def test_a_search_has_an_end(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file is full of what looks like the beginning of a record."""
    mark, _ = SpoolReader(0, NODE).mark
    monkeypatch.setattr(resync, "MOST_CHECKED", 1000)
    path.write_bytes(MAGIC + (bytes([100, 0, 0, 0, 1]) + mark) * 1000 + path.read_bytes()[8:])
    outbox, damaged = take_up(path)
    assert (bool(outbox), damaged > 14_000) == (False, True)


def test_of_a_sparse_end_only_data_is_kept_and_not_much(path: Path) -> None:
    whole = path.stat().st_size
    os.truncate(path, 2 * 1024**3)
    with path.open("r+b") as file:
        file.seek(1024**3)
        file.write(b"data" * 1024)
    outbox, damaged = take_up(path)
    assert damaged == 2 * 1024**3 - whole
    assert told(sent(outbox)) == ["resume 1", 1, 2, 3, 4, 5]
    (aside,) = listed(path.parent)
    copied = (path.parent / aside.name).read_bytes()
    assert b"data" * 1024 in copied
    assert len(copied) < 64 * 1024
    assert path.stat().st_size == whole


def test_an_empty_file_is_said_and_removed(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    os.truncate(path, 0)
    assert not take_up(path)[0]
    assert f"{path} is empty, and is removed" in caplog.text
    assert not path.exists()


def test_a_file_that_cannot_be_removed_is_said(
    path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    outbox, _ = take_up(path)
    *_, last = sent(outbox)
    monkeypatch.setattr(Path, "unlink", refuse)
    outbox.acknowledge(last.stream, last.sequence)
    assert not outbox
    assert f"{path} cannot be removed, though all in it is committed" in caplog.text


def test_an_unknown_version_beside_an_old_one_is_set_aside_whole(path: Path) -> None:
    unknown = b"BWSPOOL9" + path.read_bytes()[len(MAGIC) :]
    path.write_bytes(unknown)
    (path.parent / "7.spool").write_bytes(MAGIC_V1)
    assert not take_up(path)[0]
    (aside,) = listed(path.parent)
    assert (path.parent / aside.name).read_bytes() == unknown
