"""Room on the disk that is kept for the end."""

import fcntl
import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from nodeproc.delivery import reserve
from nodeproc.delivery.reserve import LEAST, NAME, Reserve


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """On a disk with a million bytes of room."""
    disk = SimpleNamespace(f_bavail=1000, f_frsize=1000)
    monkeypatch.setattr(os, "fstatvfs", lambda _: disk)
    return tmp_path / "spool"


def size(directory: Path) -> int:
    return (directory.parent / NAME).stat().st_size


def test_it_grows_in_steps_and_shrinks_as_wanted(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reserve, "STEP", 40_000)
    assert list(Reserve(directory).extend(100_000)) == [40_000, 80_000, 100_000, 100_000]
    assert (directory.parent / NAME).stat().st_blocks * 512 >= 100_000
    assert list(Reserve(directory).extend(50_000)) == [50_000]


def test_it_takes_a_quarter_of_the_room_and_keeps_it_when_the_disk_is_full(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    *_, reached = Reserve(directory).extend(10**9)
    assert 250_000 <= reached < 340_000  # of the room, it counts what it has itself
    monkeypatch.setattr(os, "fstatvfs", lambda _: SimpleNamespace(f_bavail=0, f_frsize=1))
    assert list(Reserve(directory).extend(10**9)) == [reached]


def test_it_is_given_up_as_it_is_needed(directory: Path) -> None:
    own = Reserve(directory)
    assert not own.give_up(1)  # there is none
    list(own.extend(200_000))
    assert own.give_up(1)
    assert size(directory) == 200_000 - LEAST
    assert own.give_up(100_000)
    assert own.give_up(100_000)
    assert (size(directory), own.give_up(1)) == (0, False)
    own.remove()
    assert not (directory.parent / NAME).exists()


def test_it_waits_for_no_process_that_takes_from_it(directory: Path) -> None:
    list(Reserve(directory).extend(1000))
    with (directory.parent / NAME).open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(BlockingIOError):
            list(Reserve(directory).extend(2000))
