"""Find the next sound record behind a damaged one.

A record is found by the part of its header that is the same in the whole file, the device, and is
one only if its checksum is right and its kind is one that spools have. What a device put into its
own packets cannot pass for one of its earlier records by chance; if it was made to, it can bring
nothing but events of this device, in a stream of its own.
"""

import errno
import os
from collections.abc import Iterator
from typing import Protocol

WINDOW = 1024 * 1024  # bytes read at once
LONGEST = 4 * 1024 * 1024  # bytes of a record behind damage; one read of a device makes less
# Bytes that are checked in one search: who fills a file with what looks like the beginning of a
# record must not keep its process busy for ever.
MOST_CHECKED = 256 * 1024 * 1024


class Records(Protocol):
    """An open spool file, as `spoolfile.SpoolReader` reads it."""

    @property
    def mark(self) -> tuple[bytes, int]:
        """What stands in each record, and where in it."""

    def size_at(self, offset: int) -> int | None:
        """Return the size that a record at `offset` says it has."""

    def is_sound(self, offset: int) -> bool:
        """Whether there is a whole, sound record."""


def next_sound(records: Records, descriptor: int, offset: int, end: int) -> int | None:
    """Return where the next sound record is behind the damaged one at `offset`, before `end`.

    None without one. Raises OSError.
    """
    length = records.size_at(offset)
    if length is not None and records.is_sound(offset + length):
        return offset + length  # only what is inside the record is damaged
    checked = 0
    for candidate in _candidates(records, descriptor, offset + 1, end):
        length = records.size_at(candidate)
        if length is None or length > LONGEST or candidate + length > end:
            continue
        checked += length
        if records.is_sound(candidate):
            return candidate
        if checked > MOST_CHECKED:
            break
    return None


def _candidates(records: Records, descriptor: int, begin: int, end: int) -> Iterator[int]:
    """Yield the offsets at which a record may begin."""
    mark, place = records.mark
    for first, last in _extents(descriptor, begin + place, end):
        at = first
        while at < last:
            window = os.pread(descriptor, WINDOW, at)
            found = window.find(mark)
            while found >= 0:
                yield at + found - place
                found = window.find(mark, found + 1)
            if len(window) < len(mark):
                break
            at += len(window) - len(mark) + 1


def _extents(descriptor: int, begin: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield the parts of a file that are no holes, from `begin` to `end`."""
    at = begin
    while at < end:
        try:
            first = os.lseek(descriptor, at, os.SEEK_DATA)
            at = os.lseek(descriptor, first, os.SEEK_HOLE)
        except OSError as error:
            if error.errno != errno.ENXIO:  # there is nothing but a hole
                raise
            return
        if first < end:
            yield first, min(at, end)


def data_of(descriptor: int, begin: int, most: int) -> Iterator[bytes]:
    """Yield what a file holds from `begin` on, without holes, and at most `most` bytes."""
    for first, last in _extents(descriptor, begin, os.fstat(descriptor).st_size):
        while first < last and most > 0:
            piece = os.pread(descriptor, min(WINDOW, last - first, most), first)
            if not piece:
                return
            yield piece
            first, most = first + len(piece), most - len(piece)
