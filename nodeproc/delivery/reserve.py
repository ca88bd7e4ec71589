"""Room on the disk that is kept for the end, when everything in memory has to find a place there.

The supervisor makes the file. A node process that ends, and finds the disk full, makes it shorter
by what it needs, again and again until its own spool has found room, or nothing is left of it.
"""

import contextlib
import errno
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

NAME = "reserve"
STEP = 4 * 1024 * 1024  # bytes allocated at once: some file systems have to write them
LEAST = 64 * 1024  # bytes given up at once
FULL = (errno.ENOSPC, errno.EDQUOT)
ROOM_SHARE = 4  # a reserve takes at most the fourth part of the room there is


class Reserve:
    """The reserve on the disk of the spools."""

    def __init__(self, directory: Path) -> None:
        """`directory`: of the spools. The file is beside it, or in it if that is another disk."""
        self._path = _on_disk_of(directory) / NAME

    def extend(self, wanted: int) -> Iterator[int]:
        """Come near the size `wanted`, as far as there is room; yield the size after each step.

        It never waits for a process that is just taking from it. Raises OSError.
        """
        self._path.parent.mkdir(mode=0o700, exist_ok=True)
        while True:
            with self._open(os.O_CREAT | os.O_RDWR, fcntl.LOCK_EX | fcntl.LOCK_NB) as file:
                before = os.fstat(file).st_size
                room = (before + _free(file)) // ROOM_SHARE
                size = min(wanted, max(room, before), before + STEP)
                if size <= before:
                    os.truncate(file, size)
                    break
                try:
                    os.posix_fallocate(file, before, size - before)
                except OSError:
                    os.truncate(file, before)
                    raise
            yield size
        yield size

    def remove(self) -> None:
        """Give all of it back: nothing is in memory any more."""
        with contextlib.suppress(OSError):
            self._path.unlink()

    def give_up(self, needed: int) -> bool:
        """Give at least `needed` bytes back to the disk; return False if nothing is left."""
        try:
            with self._open(os.O_RDWR, fcntl.LOCK_EX) as file:
                size = os.fstat(file).st_size
                os.truncate(file, max(size - max(needed, LEAST), 0))
        except OSError:
            return False
        return size > 0

    @contextlib.contextmanager
    def _open(self, flags: int, lock: int) -> Iterator[int]:
        file = os.open(self._path, flags | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(file, lock)
            yield file
        finally:
            os.close(file)


def _on_disk_of(directory: Path) -> Path:
    """Return a directory on the same disk, the one above if possible: in that of the spools there
    is nothing while nothing is spooled."""
    try:
        if directory.stat().st_dev != directory.parent.stat().st_dev:
            return directory
    except OSError:  # it is not there yet, and will be made on that disk
        pass
    return directory.parent


def _free(file: int) -> int:
    disk = os.fstatvfs(file)
    return disk.f_bavail * disk.f_frsize
