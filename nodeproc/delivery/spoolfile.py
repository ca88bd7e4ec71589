"""What a spool looks like on the disk: the frames of one node that could not be committed yet.

The file begins with `MAGIC`; then come records, only ever appended::

    u32 CRC-32 of the frame, little-endian | frame (see nodeproc.wire)

A record that is torn or damaged ends the file: it and what follows are set aside, under another
name, when the file is opened for writing. The number in `MAGIC` is to be raised with every change
of what frames contain: a spool of another version is set aside whole. When everything in a file is
acknowledged, it is removed. One process writes it, the node's own; whoever else looks at it only
reads.

What is appended survives the death of every process at once. It is handed to the kernel and not
forced to the disk: a loss of power may cost what was spooled in the last seconds before it.
"""

import contextlib
import os
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

from nodeproc.wire import HEADER, Frame

MAGIC = b"BWSPOOL1"
SPOOL_DIRECTORY = "spool"  # in the state directory
SUFFIX = ".spool"
DAMAGED = ".damaged-"  # and a number: what was set aside for people to look at
CRC = struct.Struct("<I")
PREFIX = CRC.size + HEADER.size
LONGEST_BODY = 256 * 1024 * 1024  # bytes; no frame comes near it, so a longer one is damage
READ_AHEAD = 256 * 1024


def spool_path(directory: Path, node: int) -> Path:
    """Return where the spool of the node with this id is, if it has one."""
    return directory / f"{node}{SUFFIX}"


def spooled_nodes(directory: Path) -> list[int]:
    """Return the ids of the nodes that have a spool, in order."""
    with contextlib.suppress(FileNotFoundError):
        names = [path.name.removesuffix(SUFFIX) for path in directory.glob(f"*{SUFFIX}")]
        return sorted(int(name) for name in names if name.isdecimal())
    return []


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


class SpoolReader:
    """Finds records in an open spool file, by their offset; never moves the file's position."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._window = b""
        self._window_at = 0

    def is_spool(self) -> bool:
        """Whether the file begins as a spool does."""
        return os.pread(self._descriptor, len(MAGIC), 0) == MAGIC

    def at(self, offset: int) -> tuple[Frame, int] | None:
        """Return the frame of the record at `offset` and the offset behind it.

        None if there is no whole, sound record.
        """
        prefix = self._bytes(offset, PREFIX)
        if len(prefix) < PREFIX:
            return None
        (crc,) = CRC.unpack_from(prefix)
        length, kind, node, stream, sequence = HEADER.unpack_from(prefix, CRC.size)
        if length > LONGEST_BODY:
            return None
        raw = self._bytes(offset + CRC.size, HEADER.size + length)
        if len(raw) < HEADER.size + length or zlib.crc32(raw) != crc:
            return None
        return Frame(kind, node, stream, sequence, raw), offset + CRC.size + len(raw)

    def all(self) -> Iterator[tuple[Frame, int]]:
        """Yield every frame, and the offset behind it, up to the first that is damaged."""
        offset = len(MAGIC)
        while self.is_spool() and (record := self.at(offset)):
            yield record
            offset = record[1]

    def forget(self) -> None:
        """What was read ahead may have changed."""
        self._window = b""

    def _bytes(self, offset: int, count: int) -> bytes:
        start = offset - self._window_at
        if start < 0 or start + count > len(self._window):
            self._window = os.pread(self._descriptor, max(count, READ_AHEAD), offset)
            self._window_at, start = offset, 0
        return self._window[start : start + count]
