"""The spool of one node, as its process uses it; `spoolfile` defines the file format."""

import contextlib
import logging
import os
from collections.abc import Sequence
from pathlib import Path

from nodeproc.delivery import spool_v1
from nodeproc.delivery.aside import Why, new_name, set_aside
from nodeproc.delivery.backlog import Backlog
from nodeproc.delivery.directory import total_size
from nodeproc.delivery.reserve import FULL, Reserve
from nodeproc.delivery.resync import data_of
from nodeproc.delivery.spoolfile import (
    CRC,
    MAGIC,
    SpoolReader,
    create,
    identity,
    record,
    spool_path,
    why,
)
from nodeproc.limits import NodeLimits
from nodeproc.wire.frames import Frame, Kind, pack
from nodeproc.wire.messages import Identity
from nodeproc.wire.subjects import Origin

# A spool that has grown by this many bytes checks again how large all spools together are.
TOTAL_CHECK = 1024 * 1024
KEPT_OF_TAIL = 1024 * 1024  # bytes of a damaged end that are kept for people

log = logging.getLogger("birdwatcher.node")


class SpoolError(Exception):
    """The spool cannot take more now; the message says why."""


class Spool:
    """The spool of one node, for its process: appended to, and read in order from a cursor."""

    def __init__(
        self,
        directory: Path,
        origin: Origin,
        limits: NodeLimits,
        owner: Identity | None = None,
    ) -> None:
        """Do not look at the disk yet: `take_up` does.

        `owner`: whose spool it is; one of another node is set aside. Without it, all is taken.
        """
        self.limits = limits
        self.owner = owner
        self._entered: Identity | None = None  # whose spool it is by the file
        self._directory = directory
        self._origin = origin
        self._path = spool_path(directory, origin)
        self._reserve = Reserve(directory)
        self._file: int | None = None
        self._reader: SpoolReader | None = None
        self._skips: dict[int, int] = {}  # where damage begins, and where it ends
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

        A file that is damaged from its first byte on, or of another node, is set aside. Raises
        SpoolError.
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
        if not on_disk:
            log.warning("%s is empty, and is removed: it was never written, or cut", self._path)
        self.size = self._cursor = len(MAGIC)
        missing = self._survey(self._reader)
        tail = max(on_disk - self.size, 0)
        if (on_disk and not self._reader.is_spool()) or (tail and not self):
            log.warning("%s has nothing sound in it; set aside as %s", self._path, self.set_aside())
            return on_disk
        if self.owner and self._entered and not self.owner.is_same(self._entered):
            self._of_another(self._entered)
            return 0
        if tail:
            self._keep_for_people(self._file, self.size)
        self._cut_back()
        skipped = sum(end - begin for begin, end in self._skips.items())
        if skipped:
            text = (
                "%s is damaged in %d places, with %d bytes, and at least %d frames are missing;"
                " what is sound is committed, and then the file is set aside"
            )
            log.warning(text, self._path, len(self._skips), skipped, missing)
        return tail + skipped

    def _survey(self, reader: SpoolReader) -> int:
        """Read everything once; return how many frames are missing between sound ones."""
        missing = 0
        for frame, end in reader.all():
            if frame.kind == Kind.NODE:
                self._entered = identity(frame)
            else:
                stream, sequence = self._last or (0, 0)
                if stream == frame.stream:
                    missing += max(frame.sequence - sequence - 1, 0)
                self._last = frame.stream, frame.sequence
            self.size = end
            self.backlog.add(frame, end)
        return missing

    def _of_another(self, node: Identity) -> None:
        aside = self.set_aside(Why.GONE)
        log.warning("its spool is that of another node, %s; set aside as %s", node, aside)

    def _keep_for_people(self, file: int, offset: int) -> None:
        """Copy the beginning of what is about to be cut off; nothing in it is sound."""
        name = new_name(self._origin, Why.DAMAGED)
        with contextlib.suppress(OSError), create(self._path.with_name(name)) as copy:
            copy.writelines(data_of(file, offset, KEPT_OF_TAIL))

    def append(
        self, frames: Sequence[bytes], last: tuple[int, int], *, sent: int, force: bool = False
    ) -> None:
        """Append all of `frames`, or none. Raises SpoolError.

        `last`: stream and sequence number of the last of them. The first `sent` of them, which
        must be 0 unless the cursor is at the end, were sent already: the cursor moves past them.
        With `force` they may exceed the limits, and take from the reserve of the disk: the process
        ends, and there is no later chance.
        """
        length = sum(map(len, frames)) + CRC.size * len(frames)
        if not force:
            self._check_limits(length)
        while True:
            try:
                return self._append(frames, last, sent)
            except OSError as error:
                is_full = error.errno in FULL
                if not (force and is_full and self._reserve.give_up(length)):
                    raise SpoolError(why(error)) from None

    def _append(self, frames: Sequence[bytes], last: tuple[int, int], sent: int) -> None:
        try:
            if self._file is None and not self._create():
                sent = 0  # they stand after older ones now, and are sent again
            if entry := self._entry():
                frames, sent = [entry, *frames], sent + 1 if sent else 0
            self._write(b"".join(map(record, frames)))
        except OSError:
            self._cut_back()
            raise
        for place, raw in enumerate(frames):
            self.size += CRC.size + len(raw)
            self.backlog.add(Frame.of(raw), self.size)
            if place < sent:
                self._cursor = self.size
        self._last, self._entered = last, self.owner

    def read(self) -> Frame | None:
        """Return the frame at the cursor and move on, or None at the end. Raises SpoolError."""
        while self._reader and not self.is_read:
            try:
                found = self._reader.at(self._cursor)
            except OSError as error:
                raise SpoolError(why(error)) from None
            if found is None:
                self._cursor = self._after_damage(self._reader)
                continue
            frame, self._cursor = found
            if frame.kind != Kind.NODE:
                return frame
        return None

    def _after_damage(self, reader: SpoolReader) -> int:
        """Return where what is sound goes on. Raises SpoolError if it does not."""
        is_known = self._cursor in self._skips
        try:
            following = reader.skip(self._cursor, self.size)
        except OSError as error:
            raise SpoolError(why(error)) from None
        if following is None:
            raise SpoolError("what was spooled cannot be read back")
        if not is_known:
            lost = following - self._cursor
            log.warning("%s: %d bytes cannot be read back; left out", self._path, lost)
        return following

    def _entry(self) -> bytes | None:
        """Return what says whose spool it is, unless the file says it."""
        if self.owner in (None, self._entered):
            return None
        return pack(Kind.NODE, self.owner, origin=self._origin)

    def belongs_to(self, owner: Identity) -> None:
        """Be the spool of `owner` from now on: its node was renamed or moved."""
        self.owner = owner
        if not self or not (entry := self._entry()):
            return
        with contextlib.suppress(OSError):  # then it is tried with the next frames
            self._write(record(entry))
            self.size += CRC.size + len(entry)
            self.backlog.add(Frame.of(entry), self.size)
            self._entered = owner

    def rewind(self) -> None:
        """Move the cursor to the beginning."""
        self._cursor = len(MAGIC) if self else 0

    def acknowledge(self, stream: int, sequence: int) -> None:
        """Remove the file if its last frame, and with it all of them, is acknowledged."""
        self.backlog.acknowledge(stream, sequence)
        if self._last and self._last[0] == stream and self._last[1] <= sequence:
            self.remove()

    def set_aside(self, reason: Why = Why.DAMAGED) -> str:
        """Give the file another name, and go on without it; return the new name."""
        try:
            name = set_aside(self._path, self._origin, reason)
        except OSError as error:
            name = self._path.name
            log.error("%s cannot be set aside: %s", self._path, why(error))
        self._close()
        return name

    # The file

    def _open(self, flags: int) -> None:
        self._file = os.open(self._path, flags | os.O_CLOEXEC, 0o600)
        self._skips = {}
        self._reader = SpoolReader(self._file, self._origin, self._skips)
        self.backlog = Backlog(SpoolReader(self._file, self._origin, self._skips))

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
            self.remove()
        elif self._file is not None and self._reader is not None:
            self._reader.forget()
            with contextlib.suppress(OSError):
                os.ftruncate(self._file, self.size)

    def remove(self) -> None:
        """Remove the file, with all that is in it; a damaged one is set aside."""
        if self._skips:
            log.warning("%s is set aside as %s: it is damaged", self._path, self.set_aside())
        elif self._file is not None:
            try:
                self._path.unlink()
            except OSError as error:
                text = "%s cannot be removed, though all in it is committed: %s; remove it"
                log.warning(text, self._path, why(error))
        self._close()

    def _close(self) -> None:
        if self._file is not None:
            os.close(self._file)
        self._file = self._reader = self._last = self._entered = None
        self._cursor = self._checked_at = self.size = 0
        self._skips = {}
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
