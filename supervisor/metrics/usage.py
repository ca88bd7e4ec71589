"""What the processes of the daemon use of the machine, from /proc (proc(5)).

One reading a process, not psutil, which takes ten times as long: with a thousand processes every
ten seconds that is more than half a percent of a core.
"""

import asyncio
import contextlib
import itertools
import os
import time
from collections.abc import Iterable
from typing import NamedTuple

from nodeproc.wire.messages import ProcessUsage

TICK = 1 / os.sysconf("SC_CLK_TCK")  # seconds
PAGE = os.sysconf("SC_PAGE_SIZE")  # bytes
STAT_BYTES = 1024  # more than /proc/<pid>/stat ever has
# Places in what `_stat_of` returns.
PARENT, USER_TIME, SYSTEM_TIME, STARTED, RESIDENT = 1, 11, 12, 19, 21

AT_ONCE = 20  # processes between two turns of the loop: about a millisecond


class Role(NamedTuple):
    """A process of the daemon: `supervisor`, `writer`, or `node` with the node's id."""

    kind: str
    node: str  # empty for the other two
    pid: int


class Usage(NamedTuple):
    """What one process uses."""

    role: Role
    resident_bytes: int
    cpu_seconds: float
    started: float  # in seconds since the machine was booted, as is
    at: float  # when this was measured
    descriptors: int = 0  # open, if they were counted


async def usage_of(roles: Iterable[Role], *, descriptors: bool = False) -> list[Usage]:
    """Return what each of `roles`, this process and children of it, uses; without those that have
    ended. Count their open descriptors on request: that takes longer than all the rest."""
    found: list[Usage] = []
    left = iter(roles)
    while some := list(itertools.islice(left, AT_ONCE)):
        found.extend(it for role in some if (it := _usage_of(role, descriptors)))
        await asyncio.sleep(0)
    return found


def _usage_of(role: Role, descriptors: bool) -> Usage | None:
    stat = _stat_of(role.pid)
    # With another parent, it is another process that has got the id.
    if not stat or os.getpid() not in {role.pid, int(stat[PARENT])}:
        return None
    cpu = (int(stat[USER_TIME]) + int(stat[SYSTEM_TIME])) * TICK
    now = time.clock_gettime(time.CLOCK_BOOTTIME)
    count = _open_descriptors(role.pid) if descriptors else 0
    return Usage(role, int(stat[RESIDENT]) * PAGE, cpu, int(stat[STARTED]) * TICK, now, count)


def _stat_of(pid: int) -> list[bytes]:
    """Return the fields of /proc/<pid>/stat from the third on: those after the process's name,
    which may hold anything. Return none if there is no such process."""
    try:
        descriptor = os.open(f"/proc/{pid}/stat", os.O_RDONLY | os.O_CLOEXEC)
        try:
            return os.read(descriptor, STAT_BYTES).rpartition(b") ")[2].split()
        finally:
            os.close(descriptor)
    except OSError:  # it has ended, before or meanwhile; or no descriptor is left
        return []


def _open_descriptors(pid: int) -> int:
    with contextlib.suppress(OSError):
        return len(os.listdir(f"/proc/{pid}/fd"))  # noqa: PTH208 it makes a Path of each
    return 0


class Gauge:
    """Measures again and again which share of a core processes use."""

    def __init__(self) -> None:
        self._booted_at = time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)
        self._before: dict[int, tuple[float, float]] = {}  # CPU seconds, and when, by process id

    async def measure(self, roles: Iterable[Role]) -> tuple[float, list[ProcessUsage]]:
        """Return when it measured, in seconds since the epoch, and what each of `roles` uses;
        without those that have ended."""
        usages = await usage_of(roles)
        before, self._before = self._before, {it.role.pid: (it.cpu_seconds, it.at) for it in usages}
        return time.time(), [
            self._compared(it, *before.get(it.role.pid, (0.0, it.started))) for it in usages
        ]

    def _compared(self, it: Usage, cpu_seconds: float, at: float) -> ProcessUsage:
        """Return what a process uses now, given its CPU seconds at an earlier moment."""
        return ProcessUsage(
            it.role.kind,
            int(it.role.node or 0),
            it.role.pid,
            self._booted_at + it.started,
            it.resident_bytes,
            100 * max(it.cpu_seconds - cpu_seconds, 0.0) / max(it.at - at, TICK),
        )
