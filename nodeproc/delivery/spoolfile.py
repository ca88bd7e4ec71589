"""What a spool looks like on the disk: the frames of one node that could not be committed yet.

The file is named after the node's table and primary key, `nodes-7.spool`. It begins with `MAGIC`;
then come records, only ever appended::

    u32 CRC-32 of the frame, little-endian | frame (see nodeproc.wire.frames)

The first record says whose spool it is, and so does another one after a change of that.

A record that is torn or damaged ends the file: it and what follows are set aside, under another
name, when the file is opened for writing. Raise the number in `MAGIC` with every change of what
frames contain: a spool of an unknown version is set aside whole. When everything in a file is
acknowledged, it is removed. One process writes it, the node's own; all others only read it.

What is appended survives the death of every process at once. It is handed to the kernel and not
forced to the disk: a loss of power may cost what was spooled in the last seconds before it.
"""

import contextlib
import os
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from nodeproc.wire.frames import HEADER, Frame
from nodeproc.wire.subjects import Origin

MAGIC = b"BWSPOOL2"
SPOOL_DIRECTORY = "spool"  # in the state directory
SUFFIX = ".spool"
CRC = struct.Struct("<I")
LENGTH = struct.Struct("<I")  # a header's first field
LONGEST_BODY = 256 * 1024 * 1024  # bytes; no frame comes near it, so a longer one is damage
READ_AHEAD = 256 * 1024


def spool_path(directory: Path, origin: Origin) -> Path:
    """Return where the spool of a node is, if it has one."""
    return directory / f"{origin}{SUFFIX}"


def create(path: Path) -> BinaryIO:
    """Open a new file for writing, which only this user may read. Raises OSError."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
    return os.fdopen(os.open(path, flags, 0o600), "wb")


def total_size(directory: Path) -> int:
    """Return the size of all spools together, in bytes."""
    total = 0
    with contextlib.suppress(OSError), os.scandir(directory) as entries:
        for entry in entries:
            if not entry.name.endswith(SUFFIX):
                continue
            with contextlib.suppress(OSError):
                total += entry.stat(follow_symlinks=False).st_size
    return total


def record(raw: bytes) -> bytes:
    """Return the record of one frame."""
    return CRC.pack(zlib.crc32(raw)) + raw


def why(error: OSError) -> str:
    """Return the system's words for an error, in lower case."""
    return f"{error.strerror or error}".lower()


class SpoolReader:
    """Finds records in an open spool file, by their offset; never moves the file's position."""

    magic = MAGIC
    header = HEADER

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._window = b""
        self._window_at = 0

    def is_spool(self) -> bool:
        """Whether the file begins as a spool of this version does."""
        return os.pread(self._descriptor, len(self.magic), 0) == self.magic

    def head(self, offset: int) -> tuple[Frame, int] | None:
        """Return the header of the record at `offset`, as a frame without its bytes, and the offset
        after the record; unchecked, for a record that was found sound before."""
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
        if len(raw) < size or zlib.crc32(raw) != crc:
            return None
        return self.frame(raw), offset + CRC.size + size

    def frame(self, raw: bytes) -> Frame:
        """Return the frame that a record holds as `raw`."""
        return Frame.of(raw)

    def all(self) -> Iterator[tuple[Frame, int]]:
        """Yield every frame, and the offset after it, up to the first that is damaged."""
        offset = len(self.magic)
        while self.is_spool() and (record := self.at(offset)):
            yield record
            offset = record[1]

    def forget(self) -> None:
        """Drop what was read ahead: it may have changed."""
        self._window = b""

    def _bytes(self, offset: int, count: int) -> bytes:
        start = offset - self._window_at
        if start < 0 or start + count > len(self._window):
            self._window = os.pread(self._descriptor, max(count, READ_AHEAD), offset)
            self._window_at, start = offset, 0
        return self._window[start : start + count]
