"""Spools of the version before, `BWSPOOL1`: read, and turned into the present version.

Delete this file, and the lines that import it, in the release after the one that brought
`BWSPOOL2`: by then no installation that is upgraded release by release has such a spool.

Such a file is named `7.spool`. Its records are those of today, but for the frame in them::

    u32 length of the body | u8 kind | i64 node id | i64 stream | i64 sequence number | body

The body is a plain Python value in `marshal` format.
"""

import contextlib
import marshal
import os
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from nodeproc.delivery import spoolfile
from nodeproc.delivery.aside import Why, set_aside
from nodeproc.delivery.spoolfile import CRC, LENGTH, SUFFIX, SpoolReader, spool_path
from nodeproc.wire.frames import HEADER, Frame, Kind, pack
from nodeproc.wire.messages import Batch, Status
from nodeproc.wire.subjects import Origin, Subject

MAGIC_V1 = b"BWSPOOL1"
HEADER_V1 = struct.Struct("<IBqqq")
MARK_V1 = struct.Struct("<q")  # the id of the node, in each header
UNFINISHED = ".converting"  # after the name of a new file, until it is whole
NODES = Subject.NODES.name.lower()
TYPES: dict[int, type[Batch] | type[Status]] = {Kind.BATCH: Batch, Kind.STATUS: Status}


def path_v1(directory: Path, origin: Origin) -> Path:
    """Return where the spool of a node is, if it has one of the version before."""
    return directory / f"{origin.id}{SUFFIX}"


def origin_v1(name: str) -> Origin | None:
    """Return whose spool has this name, without the suffix; None if it is not an old name."""
    try:
        return Origin.parse(f"{NODES}-{name}")
    except ValueError:
        return None


class SpoolReaderV1(SpoolReader):
    """Reads an old file, and yields frames of today."""

    magic = MAGIC_V1
    header = HEADER_V1
    foreign = frozenset[int]()  # whatever it is, `frame` makes it harmless

    @property
    def mark(self) -> tuple[bytes, int]:
        """What stands in each record, and where in it."""
        return MARK_V1.pack(self._origin.id), CRC.size + LENGTH.size + 1

    def frame(self, raw: bytes) -> Frame:
        """Return today's frame for the one that an old record holds as `raw`."""
        _, kind, node, stream, sequence = HEADER_V1.unpack_from(raw)
        origin, body = Origin(Subject.NODES, node), raw[HEADER_V1.size :]
        try:
            value = TYPES[kind](*marshal.loads(body))  # noqa: S302 our own bytes
            return Frame.of(
                pack(Kind(kind), value, origin=origin, stream=stream, sequence=sequence)
            )
        except Exception:
            # Whatever it is, its number must not be missing from the stream. With the body as it is
            # the writer cannot read it, and enters it as a rejected packet.
            head = HEADER.pack(len(body), kind, *origin, stream, sequence, 0.0, 0)
            return Frame.of(head + body)


def convert(directory: Path, origin: Origin, keep: Callable[[int, int], None]) -> int:
    """Turn the old spool of a node, if there is one, into one of today's version.

    If there are both, the old frames come first in the new file. `keep(descriptor, offset)` is
    called when the old file is damaged from `offset` on; one that is damaged before is set aside,
    and so is a new one of an unknown version. Return how many bytes are damaged. Raises OSError,
    and then the old file is as it was.
    """
    # Nearly no node has one: do not load pages of pathlib into each process to find that out.
    if not os.access(f"{directory}/{origin.id}{SUFFIX}", os.F_OK):
        return 0
    old, new = path_v1(directory, origin), spool_path(directory, origin)
    unfinished = new.with_name(new.name + UNFINISHED)
    # For writing: a file that may not be removed would be copied again and again.
    with old.open("r+b") as file:
        try:
            _set_aside_unknown(new, origin)
            reader = SpoolReaderV1(file.fileno(), origin)
            sound, is_empty = _copy(reader, new, unfinished)
        except OSError:
            # On a full disk it would take the room that the database needs to commit the rest.
            with contextlib.suppress(OSError):
                unfinished.unlink()
            raise
        damaged = os.fstat(file.fileno()).st_size - sound
        if damaged:
            keep(file.fileno(), sound)
    # A crash between these two leaves frames twice; the writer commits each of them once.
    if is_empty:
        unfinished.unlink()
    else:
        unfinished.replace(new)
    if reader.skips:
        set_aside(old, origin, Why.DAMAGED)
    else:
        old.unlink()
    return damaged + sum(end - begin for begin, end in reader.skips.items())


def _set_aside_unknown(new: Path, origin: Origin) -> None:
    with contextlib.suppress(FileNotFoundError), new.open("rb") as file:
        begins = file.read(len(spoolfile.MAGIC))
        if begins and not SpoolReader(file.fileno(), origin).is_spool():
            set_aside(new, origin, Why.DAMAGED)


def _copy(old: SpoolReader, new: Path, unfinished: Path) -> tuple[int, bool]:
    """Write the old frames and then those of the file `new`, if there is one, to `unfinished`.

    Return up to which offset the old file is sound, and whether no frame was written.
    """
    with spoolfile.create(unfinished) as target:
        target.write(spoolfile.MAGIC)
        sound = _copy_old(old, target)
        with contextlib.suppress(FileNotFoundError):
            _copy_new(new, target)
        is_empty = target.tell() == len(spoolfile.MAGIC)
        target.flush()
        os.fsync(target.fileno())  # the old file, which is removed, may be on the disk
    return sound, is_empty


def _copy_old(reader: SpoolReader, target: BinaryIO) -> int:
    """Append the old records to `target`; return up to which offset they are sound."""
    sound = len(MAGIC_V1) if reader.is_spool() else 0
    for frame, end in reader.all():
        target.write(spoolfile.record(frame.raw))
        sound = end
    return sound


def _copy_new(path: Path, target: BinaryIO) -> None:
    with path.open("rb") as file:
        file.seek(len(spoolfile.MAGIC))
        shutil.copyfileobj(file, target)
