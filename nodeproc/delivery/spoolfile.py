"""What a spool looks like on the disk: the frames of one node that could not be committed yet.

The file is named after the node's table and primary key, `nodes-7.spool`. It begins with `MAGIC`;
then come records, only ever appended::

    u32 CRC-32 of the frame, little-endian | frame (see nodeproc.wire.frames)

The first record says whose spool it is, and so does another one after a change of that.

A record that is damaged is left out, and so is what follows it up to the next sound one (see
`resync`). A file with such a place is set aside, under another name, instead of removed; a damaged
end is cut off, and its beginning kept, when the file is opened for writing. Raise the number in
`MAGIC` with every change of what frames contain: a spool of an unknown version is set aside whole.
When everything in a file is acknowledged, it is removed. One process writes it, the node's own; all
others only read it.

What is appended survives the death of every process at once. It is handed to the kernel and not
forced to the disk: a loss of power may cost what was spooled in the last seconds before it.
"""

import os
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from nodeproc.delivery.resync import next_sound
from nodeproc.wire.frames import HEADER, Frame, Kind, UndecodableError
from nodeproc.wire.messages import Identity
from nodeproc.wire.subjects import NOWHERE, Origin

MAGIC = b"BWSPOOL2"
SPOOL_DIRECTORY = "spool"  # in the state directory
SUFFIX = ".spool"
CRC = struct.Struct("<I")
LENGTH = struct.Struct("<I")  # a header's first field
MARK = struct.Struct("<Bq")  # subject and id of the device, in each header
MOST_DAMAGE = 1000  # places in one file that are skipped; behind them, all is damaged
LONGEST_BODY = 256 * 1024 * 1024  # bytes; no frame comes near it, so a longer one is damage
READ_AHEAD = 256 * 1024


def spool_path(directory: Path, origin: Origin) -> Path:
    """Return where the spool of a node is, if it has one."""
    return directory / f"{origin}{SUFFIX}"


def create(path: Path) -> BinaryIO:
    """Open a new file for writing, which only this user may read. Raises OSError."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
    return os.fdopen(os.open(path, flags, 0o600), "wb")


def record(raw: bytes) -> bytes:
    """Return the record of one frame."""
    return CRC.pack(zlib.crc32(raw)) + raw


def why(error: OSError) -> str:
    """Return the system's words for an error, in lower case."""
    return f"{error.strerror or error}".lower()


def identity(entry: Frame) -> Identity | None:
    """Return whose spool an entry says it is; None if it cannot be read."""
    try:
        found: Identity = entry.value()
    except UndecodableError:
        return None
    return found


class SpoolReader:
    """Finds records in an open spool file, by their offset; never moves the file's position."""

    magic = MAGIC
    header = HEADER
    foreign: frozenset[int] = frozenset(Kind) - {Kind.BATCH, Kind.STATUS, Kind.NODE}  # in no spool

    def __init__(
        self, descriptor: int, origin: Origin = NOWHERE, skips: dict[int, int] | None = None
    ) -> None:
        """`origin`: whose spool it is, without which nothing is found behind damage.

        `skips`: where a known damage begins, and where it ends; more are entered as they are found.
        """
        self._descriptor = descriptor
        self._origin = origin
        self._window = b""
        self._window_at = 0
        self.skips: dict[int, int] = {} if skips is None else skips

    def is_spool(self) -> bool:
        """Whether the file begins as a spool of this version does, or did before it was damaged."""
        found = os.pread(self._descriptor, len(self.magic), 0)
        if found == self.magic:
            return True
        return found[-1:] == self.magic[-1:] and self.at(len(self.magic)) is not None

    def head(self, offset: int) -> tuple[Frame, int] | None:
        """Return the header of the record at `offset`, as a frame without its bytes, and the offset
        after the record; unchecked, for a record that was found sound before."""
        offset = self.skips.get(offset, offset)
        head = self._bytes(offset + CRC.size, self.header.size)
        if len(head) < self.header.size:
            return None
        length, *fields = self.header.unpack(head)
        return Frame._make((*fields, b"")), offset + CRC.size + self.header.size + length

    def at(self, offset: int) -> tuple[Frame, int] | None:
        """Return the frame of the record at `offset` and the offset after it.

        None if there is no whole, sound record.
        """
        prefix = self._bytes(offset, CRC.size + LENGTH.size)
        if len(prefix) < CRC.size + LENGTH.size:
            return None
        (crc,), (length,) = CRC.unpack_from(prefix), LENGTH.unpack_from(prefix, CRC.size)
        if length > LONGEST_BODY:
            return None
        size = self.header.size + length
        raw = self._bytes(offset + CRC.size, size)
        if len(raw) < size or zlib.crc32(raw) != crc or raw[LENGTH.size] in self.foreign:
            return None
        return self.frame(raw), offset + CRC.size + size

    def frame(self, raw: bytes) -> Frame:
        """Return the frame that a record holds as `raw`."""
        return Frame.of(raw)

    def all(self) -> Iterator[tuple[Frame, int]]:
        """Yield every sound frame, and the offset after it; enter in `skips` what is damaged."""
        if self.is_spool():
            yield from self.sound(len(self.magic))

    def sound(self, offset: int) -> Iterator[tuple[Frame, int]]:
        """Yield every sound frame from `offset` on, in a file that may be no whole spool."""
        while True:
            if found := self.at(offset):
                yield found
                offset = found[1]
            elif (following := self.skip(offset)) is not None:
                offset = following
            else:
                return

    def skip(self, offset: int, end: int | None = None) -> int | None:
        """Return where the next sound record is after the damage at `offset`, and before `end`.

        None without one. Raises OSError.
        """
        if offset in self.skips:
            return self.skips[offset]
        if self._origin == NOWHERE or len(self.skips) >= MOST_DAMAGE:
            return None
        end = os.fstat(self._descriptor).st_size if end is None else end
        following = next_sound(self, self._descriptor, offset, end)
        if following is not None:
            self.skips[offset] = following
        return following

    # For the search behind damage

    @property
    def mark(self) -> tuple[bytes, int]:
        """What stands in each record, and where in it."""
        return MARK.pack(*self._origin), CRC.size + LENGTH.size + 1

    def size_at(self, offset: int) -> int | None:
        """Return the size that a record at `offset` says it has; None at the end."""
        prefix = self._bytes(offset + CRC.size, LENGTH.size)
        if len(prefix) < LENGTH.size:
            return None
        (length,) = LENGTH.unpack(prefix)
        return CRC.size + self.header.size + int(length)

    def is_sound(self, offset: int) -> bool:
        """Whether there is a whole, sound record."""
        return self.at(offset) is not None

    def forget(self) -> None:
        """Drop what was read ahead: it may have changed."""
        self._window = b""

    def _bytes(self, offset: int, count: int) -> bytes:
        start = offset - self._window_at
        if start < 0 or start + count > len(self._window):
            self._window = os.pread(self._descriptor, max(count, READ_AHEAD), offset)
            self._window_at, start = offset, 0
        return self._window[start : start + count]
