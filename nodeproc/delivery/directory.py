"""The directory of the spools: which devices have one, and how large all of them are."""

import contextlib
import os
from pathlib import Path

from nodeproc.delivery import spool_v1
from nodeproc.delivery.spoolfile import SUFFIX, SpoolReader, spool_path
from nodeproc.wire.subjects import Origin


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
