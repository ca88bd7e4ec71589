"""Room on the disks: of the SQLite database, of the spools and of the state directory.

Well before one of them is full, nothing more is read from the nodes, so that neither the database
nor a spool runs out of room because of them; TCP holds the nodes back. The disk of a PostgreSQL
server is not watched: it may be on another machine, and only a superuser may ask where it is.
"""

import asyncio
import contextlib
import logging
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from nodeproc.wire.frames import Kind, pack
from nodeproc.wire.messages import DiskRoom
from supervisor.protocols import ToWriter
from supervisor.settings import DiskLimits

log = logging.getLogger("birdwatcher.supervisor")

LOOK_INTERVAL = 2.0  # seconds; statvfs(2) is answered from the kernel's memory
REPORT_INTERVAL = 10.0  # seconds between two reports for the database if nothing happens
# A small disk has lower thresholds: these shares of its size.
WARNING_SHARE = 0.1
CRITICAL_SHARE = 0.05
ROOM_AGAIN = 1.25  # times the critical threshold, before the nodes are read again
MIB = 1024 * 1024

StatVfs = Callable[[Path], os.statvfs_result]


def measure(
    uses: str, path: str, room: tuple[int, int], limits: DiskLimits, was_full: bool
) -> DiskRoom:
    """Return the room on one disk, given its free bytes and its size; pure.

    A disk that `was_full` is full until it has some more room than the threshold.
    """
    free, size = room
    warning = min(limits.disk_warning_bytes, int(size * WARNING_SHARE))
    critical = min(limits.disk_critical_bytes, int(size * CRITICAL_SHARE))
    is_full = free < critical * (ROOM_AGAIN if was_full else 1)
    return DiskRoom(uses, path, free, size, warning, critical, is_full)


def why_halted(rooms: Sequence[DiskRoom]) -> str:
    """Return why nothing is read from the nodes, the same text while it lasts; empty if it is."""
    for room in rooms:
        if room.is_full:
            return (
                f"nothing is read: less than {mebibytes(room.critical)} are free on the disk of "
                f"the {room.uses}, {room.path}"
            )
    return ""


def mebibytes(count: float) -> str:
    """Return `1,024 MiB`."""
    return f"{count / MIB:,.0f} MiB"


class Disks:
    """The disks of some directories, each measured once, however many directories are on it."""

    def __init__(self, places: Mapping[str, Path], statvfs: StatVfs = os.statvfs) -> None:
        """`places`: directories by what they are used for; one that is not there yet counts as the
        nearest that is."""
        self._places = places
        self._statvfs = statvfs
        self._full: set[str] = set()  # paths

    def look(self, limits: DiskLimits) -> list[DiskRoom]:
        """Return the room on each disk; a disk that cannot be asked is left out."""
        rooms = []
        for uses, path in self._disks():
            with contextlib.suppress(OSError):
                answer = self._statvfs(Path(path))
                bytes_of = (answer.f_bavail * answer.f_frsize, answer.f_blocks * answer.f_frsize)
                rooms.append(measure(uses, path, bytes_of, limits, path in self._full))
        self._full = {room.path for room in rooms if room.is_full}
        return rooms

    def _disks(self) -> Iterator[tuple[str, str]]:
        """Yield each disk: its uses, and the first directory that is on it."""
        found: dict[int, tuple[list[str], str]] = {}
        for use, directory in self._places.items():
            with contextlib.suppress(OSError, StopIteration):
                path = next(it for it in (directory, *directory.parents) if it.exists())
                found.setdefault(path.stat().st_dev, ([], str(path)))[0].append(use)
        return ((" and ".join(uses), path) for uses, path in found.values())


class DiskWatch:
    """Looks at the disks now and then, has the nodes halted while one is full, and reports."""

    def __init__(
        self, disks: Disks, limits: DiskLimits, writer: ToWriter, halt: Callable[[str], None]
    ) -> None:
        """`halt(why)` is called when nothing is to be read from the nodes, and with "" when it is
        again; the writer is sent what there is."""
        self.limits = limits
        self.rooms: Sequence[DiskRoom] = ()
        self._disks = disks
        self._writer = writer
        self._halt = halt
        self._why = ""
        self._reported_at = 0.0  # monotonic

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            self.look()
            await asyncio.sleep(LOOK_INTERVAL)

    def look(self) -> None:
        """Look once."""
        self.rooms = self._disks.look(self.limits)
        why = why_halted(self.rooms)
        news = why != self._why
        if news:
            self._why = why
            self._log(why)
            self._halt(why)
        if news or time.monotonic() - self._reported_at >= REPORT_INTERVAL:
            self._reported_at = time.monotonic()
            self._writer.offer(pack(Kind.DISKS, list(self.rooms)))

    def _log(self, why: str) -> None:
        if why:
            enough = max(room.critical for room in self.rooms if room.is_full) * ROOM_AGAIN
            log.error("%s; free some: it goes on by itself at %s", why, mebibytes(enough))
        else:
            log.info("there is room on the disk again: the nodes are read")
