"""Room on the disks: when nothing more is read, and when it is again."""

import logging
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from unittest.mock import Mock

import pytest

from nodeproc.wire.frames import Frame, Kind
from supervisor.disks import MIB, Disks, DiskWatch, measure
from supervisor.protocols import ToWriter
from supervisor.settings import DiskLimits

LIMITS = DiskLimits(disk_warning_bytes=1000 * MIB, disk_critical_bytes=200 * MIB)
LARGE = 100_000  # MiB


@pytest.mark.parametrize(
    ("free", "size", "was_full", "critical", "is_full"),
    [
        (200, LARGE, False, 200, False),
        (199, LARGE, False, 200, True),
        (249, LARGE, True, 200, True),
        (250, LARGE, True, 200, False),
        (10, 200, False, 10, False),  # a small disk
        (9, 200, False, 10, True),
        (0, 0, False, 0, False),  # a file system that does not say
    ],
)
def test_a_disk_is_full_before_it_is(
    free: int, size: int, was_full: bool, critical: int, is_full: bool
) -> None:
    room = measure("spools", "/", (free * MIB, size * MIB), LIMITS, was_full)
    assert (room.critical, room.is_full) == (critical * MIB, is_full)


def test_with_zero_it_is_never_full() -> None:
    limits = DiskLimits(disk_critical_bytes=0)
    assert not measure("spools", "/", (0, LARGE), limits, was_full=False).is_full


class Machine:
    """A disk of 100 GiB with some directories, whose free room the test sets."""

    def __init__(self, directory: Path) -> None:
        self.free = LARGE
        self.halts: list[str] = []
        self.writer = Mock(spec=ToWriter)
        places = {"database": directory, "spools": directory / "not yet" / "there"}
        self.watch = DiskWatch(Disks(places, self._statvfs), LIMITS, self.writer, self.halts.append)

    def _statvfs(self, _: Path) -> os.statvfs_result:
        if self.free < 0:
            raise OSError
        answer: Any = SimpleNamespace(f_frsize=MIB, f_bavail=self.free, f_blocks=LARGE)
        return cast("os.statvfs_result", answer)

    def look(self, free: int) -> None:
        self.free = free
        self.watch.look()

    def reported(self) -> list[tuple[str, int, bool]]:
        frames = [Frame.of(call.args[0]) for call in self.writer.offer.call_args_list]
        assert {frame.kind for frame in frames} == {Kind.DISKS}
        rooms = [room for frame in frames for room in frame.value()]
        return [(room.uses, room.free // MIB, room.is_full) for room in rooms]


def test_the_nodes_are_halted_once_and_read_again_with_some_room(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    machine = Machine(tmp_path)
    for free in (5000, 190, 150, 210, 190, 260, 210):
        machine.look(free)
    both = "database and spools"
    why = f"nothing is read: less than 200 MiB are free on the disk of the {both}, {tmp_path}"
    assert machine.halts == [why, ""]
    assert [record.getMessage() for record in caplog.records] == [
        f"{why}; free some: it goes on by itself at 250 MiB",
        "there is room on the disk again: the nodes are read",
    ]
    assert machine.reported() == [(both, 5000, False), (both, 190, True), (both, 260, False)]


def test_other_limits_hold_at_the_next_look(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine.look(150)
    machine.watch.limits = DiskLimits(disk_critical_bytes=100 * MIB)
    machine.look(150)
    assert machine.halts[1:] == [""]


def test_a_disk_that_cannot_be_asked_halts_nobody(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine.look(-1)
    assert (machine.halts, machine.watch.rooms) == ([], [])
