"""Files that were set aside: what is damaged, and the spools of nodes that have no row.

They are named `nodes-7.gone-1777625160250000000`: the node, why, and when, in nanoseconds since the
epoch. Each is what a spool was, or a part of one. Nobody writes to them; they are kept for a time,
and within bounds, for the node that comes back and for people.
"""

import contextlib
import enum
import os
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from nodeproc.limits import NodeLimits
from nodeproc.wire.subjects import Origin

DAY = 86_400.0  # seconds
NANO = 1_000_000_000
DAMAGED_DAYS = 90.0  # for which damaged files are kept; nobody but a person can use them
MOST = 10_000  # files


class Why(enum.StrEnum):
    """Why a file was set aside."""

    DAMAGED = "damaged"
    GONE = "gone"  # its node has no row, or another node has its id now


class Aside(NamedTuple):
    """One file that was set aside."""

    at: float  # seconds since the epoch
    name: str
    origin: Origin
    why: Why
    size: int  # bytes on the disk, without holes

    @property
    def age(self) -> float:
        """Seconds since it was set aside."""
        return time.time() - self.at


def new_name(origin: Origin, why: Why) -> str:
    """Return the name under which a file of this node is set aside now."""
    return f"{origin}.{why}-{time.time_ns()}"


def set_aside(path: Path, origin: Origin, why: Why) -> str:
    """Rename a file; return its new name. Raises OSError."""
    name = new_name(origin, why)
    path.rename(path.with_name(name))
    return name


def listed(directory: Path) -> list[Aside]:
    """Return the files that were set aside, the oldest first. Raises OSError."""
    found: list[Aside] = []
    with contextlib.suppress(FileNotFoundError), os.scandir(directory) as entries:
        for entry in entries:
            if parsed := _parse(entry.name):
                with contextlib.suppress(OSError):  # it was removed a moment ago
                    blocks = entry.stat(follow_symlinks=False).st_blocks
                    found.append(Aside(*parsed, blocks * 512))
    return sorted(found)


def _parse(name: str) -> tuple[float, str, Origin, Why] | None:
    of, _, rest = name.partition(".")
    why, _, at = rest.partition("-")
    try:
        return int(at) / NANO, name, Origin.parse(of), Why(why)
    except ValueError:
        return None


def too_many(files: Iterable[Aside], limits: NodeLimits) -> Iterator[tuple[Aside, str]]:
    """Yield those of `files`, the oldest first, that are not kept any longer, each with the reason.

    Pure but for the time.
    """
    files = list(files)
    count, size = len(files), sum(it.size for it in files)
    for it in files:
        days = DAMAGED_DAYS if it.why is Why.DAMAGED else limits.aside_days
        if it.age > days * DAY:
            why = f"it was set aside {days:g} days ago"
        elif size > limits.aside_bytes:
            why = f"all files set aside have more than {limits.aside_bytes} bytes"
        elif count > MOST:
            why = f"there are more than {MOST} files set aside"
        else:
            continue
        count, size = count - 1, size - it.size
        yield it, why
