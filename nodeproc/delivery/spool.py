"""The spool of one node, as its process uses it; `spoolfile` defines the file format."""

import contextlib
import os
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from nodeproc.delivery import spool_v1
from nodeproc.delivery.backlog import Backlog
from nodeproc.delivery.spoolfile import (
    CRC,
    DAMAGED,
    MAGIC,
    SUFFIX,
    SpoolReader,
    create,
    record,
    spool_path,
    total_size,
    why,
)
from nodeproc.limits import NodeLimits
from nodeproc.wire.frames import Frame
from nodeproc.wire.subjects import Origin

# A spool that has grown by this many bytes checks again how large all spools together are.
TOTAL_CHECK = 1024 * 1024


class SpoolError(Exception):
    """The spool cannot take more now; the message says why."""


def spooled(directory: Path) -> list[Origin]:
    """Return the devices that have a spool, in order; only a file can be one. Raises OSError."""
    found: set[Origin] = set()
    with contextlib.suppress(FileNotFoundError), os.scandir(directory) as entries:
        for entry in entries:
            name = entry.name.removesuffix(SUFFIX)
            if name == entry.name or not _is_file(entry):
                continue
            if origin := spool_v1.origin_v1(name) or _origin(name):
                found.add(origin)
    return sorted(found)


def _is_file(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_file()
    except OSError:  # a link that leads nowhere
        return False


def _origin(name: str) -> Origin | None:
    try:
        return Origin.parse(name)
    except ValueError:
        return None


def readers(directory: Path, origin: Origin) -> list[tuple[Path, type[SpoolReader]]]:
    """Return the files that may hold a spool, with what reads each; the older one first."""
    return [
        (spool_v1.path_v1(directory, origin), spool_v1.SpoolReaderV1),
        (spool_path(directory, origin), SpoolReader),
    ]


class Spool:
    """The spool of one node, for its process: appended to, and read in order from a cursor."""

    def __init__(self, directory: Path, origin: Origin, limits: NodeLimits) -> None:
        """Do not look at the disk yet: `take_up` does."""
        self.limits = limits
        self._directory = directory
        self._origin = origin
        self._path = spool_path(directory, origin)
        self._file: int | None = None
        self._reader: SpoolReader | None = None
        self._cursor = 0
        self._checked_at = 0  # the size at which the total was last looked at
        self._last: tuple[int, int] | None = None  # stream and sequence number of the last frame
        self.size = 0  # bytes, up to the end of the last whole record
        self.backlog = Backlog()

    def __bool__(self) -> bool:
        """Whether there is anything in it."""
        return self._last is not None

    @property
    def is_read(self) -> bool:
        """Whether the cursor is at its end."""
        return self._cursor == self.size

    def take_up(self) -> int:
        """Take up what an earlier process of the node left; return how many bytes were damaged.

        A file that is damaged from its first byte on is set aside. Raises SpoolError.
        """
        damaged = 0
        try:
            damaged = self._convert()
            self._open(os.O_RDWR)
            return damaged + self._find_end()
        except FileNotFoundError:
            return damaged
        except OSError as error:
            self._close()
            raise SpoolError(why(error)) from None

    def _convert(self) -> int:
        return spool_v1.convert(self._directory, self._origin, self._keep_for_people)

    def _find_end(self) -> int:
        assert self._file is not None  # noqa: S101 for the type checker
        assert self._reader is not None  # noqa: S101
        on_disk = os.fstat(self._file).st_size
        if on_disk and not self._reader.is_spool():
            self.set_aside()
            return on_disk
        self.size = self._cursor = len(MAGIC)
        for frame, end in self._reader.all():
            self._last, self.size = (frame.stream, frame.sequence), end
            self.backlog.add(frame, end)
        damaged = max(on_disk - self.size, 0)
        if damaged:
            with open(self._file, "rb", closefd=False) as file:
                self._keep_for_people(file, self.size)
        self._cut_back()
        return damaged

    def _keep_for_people(self, file: BinaryIO, offset: int) -> None:
        """Copy what is about to be cut off: there may be sound records after the damage."""
        with contextlib.suppress(OSError), create(self._aside()) as copy:
            file.seek(offset)
            shutil.copyfileobj(file, copy)

    def append(
        self, frames: Sequence[bytes], last: tuple[int, int], *, sent: int, force: bool = False
    ) -> None:
        """Append all of `frames`, or none. Raises SpoolError.

        `last`: stream and sequence number of the last of them. The first `sent` of them, which
        must be 0 unless the cursor is at the end, were sent already: the cursor moves past them.
        With `force` they may exceed the limits: the process ends, and there is no later chance.
        """
        length = sum(map(len, frames)) + CRC.size * len(frames)
        if not force:
            self._check_limits(length)
        records = [record(raw) for raw in frames]
        try:
            if self._file is None and not self._create():
                sent = 0  # they stand after older ones now, and are sent again
            self._write(b"".join(records))
        except OSError as error:
            self._cut_back()
            raise SpoolError(why(error)) from None
        self._cursor += sum(map(len, records[:sent]))
        self._last = last
        for raw in frames:
            self.size += CRC.size + len(raw)
            self.backlog.add(Frame.of(raw), self.size)

    def read(self) -> Frame | None:
        """Return the frame at the cursor and move on, or None at the end. Raises SpoolError."""
        if self._reader is None or self.is_read:
            return None
        try:
            found = self._reader.at(self._cursor)
        except OSError as error:
            raise SpoolError(why(error)) from None
        if found is None:
            raise SpoolError("what was spooled cannot be read back")
        frame, self._cursor = found
        return frame

    def rewind(self) -> None:
        """Move the cursor to the beginning."""
        self._cursor = len(MAGIC) if self else 0

    def acknowledge(self, stream: int, sequence: int) -> None:
        """Remove the file if its last frame, and with it all of them, is acknowledged."""
        self.backlog.acknowledge(stream, sequence)
        if self._last and self._last[0] == stream and self._last[1] <= sequence:
            self._remove()

    def set_aside(self) -> None:
        """Give the file another name, for people to look at, and go on without it."""
        with contextlib.suppress(OSError):
            self._path.rename(self._aside())
        self._close()

    def _aside(self) -> Path:
        return self._path.with_suffix(f"{DAMAGED}{time.time_ns()}")

    # The file

    def _open(self, flags: int) -> None:
        self._file = os.open(self._path, flags | os.O_CLOEXEC, 0o600)
        self._reader = SpoolReader(self._file)
        self.backlog = Backlog(SpoolReader(self._file))

    def _create(self) -> bool:
        """Begin a file; or go on with one that could not be taken up before, and return False."""
        self._path.parent.mkdir(mode=0o700, exist_ok=True)
        self._convert()
        try:
            self._open(os.O_RDWR | os.O_CREAT | os.O_EXCL)
        except FileExistsError:
            self._open(os.O_RDWR)
            self._find_end()
            if self._file is not None:
                return False
            self._open(os.O_RDWR | os.O_CREAT | os.O_EXCL)
        self.size = 0
        self._write(MAGIC)
        self.size = self._cursor = len(MAGIC)
        return True

    def _write(self, data: bytes) -> None:
        assert self._file is not None  # noqa: S101 for the type checker
        at, view = self.size, memoryview(data)
        while view:
            written = os.pwrite(self._file, view, at)
            at, view = at + written, view[written:]

    def _cut_back(self) -> None:
        """Remove a torn record, and an empty file."""
        if not self:
            self._remove()
        elif self._file is not None and self._reader is not None:
            self._reader.forget()
            with contextlib.suppress(OSError):
                os.ftruncate(self._file, self.size)

    def _remove(self) -> None:
        if self._file is not None:
            with contextlib.suppress(OSError):
                self._path.unlink()
        self._close()

    def _close(self) -> None:
        if self._file is not None:
            os.close(self._file)
        self._file = self._reader = self._last = None
        self._cursor = self._checked_at = self.size = 0
        self.backlog = Backlog()

    def _check_limits(self, more: int) -> None:
        size = self.size + more
        if size > self.limits.spool_bytes:
            raise SpoolError("its spool has reached its limit")
        if self._checked_at and size - self._checked_at < TOTAL_CHECK:
            return
        total = total_size(self._path.parent) + more
        if total > self.limits.spool_total_bytes:
            raise SpoolError("all spools together have reached their limit")
        self._checked_at = size
