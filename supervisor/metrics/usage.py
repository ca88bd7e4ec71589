"""What the processes of the daemon use of the machine."""

import asyncio
import contextlib
import itertools
import os
import time
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import psutil

from nodeproc.wire.messages import ProcessUsage

TICK = 1 / os.sysconf("SC_CLK_TCK")  # seconds
PAGE = os.sysconf("SC_PAGE_SIZE")  # bytes
# Of what /proc/<pid>/stat says behind the name, by their place there (proc(5), from field 3 on).
PARENT, USER_TIME, SYSTEM_TIME, STARTED, RESIDENT = 1, 11, 12, 19, 21
STAT_BYTES = 1024  # more than it ever says

AT_ONCE = 20  # of them between two turns of the loop: about a millisecond


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
    descriptors: int


async def usage_of(roles: Iterable[Role]) -> list[Usage]:
    """Return what each of `roles`, this one and children of it, uses; without those that have
    ended meanwhile."""
    found: list[Usage] = []
    left = iter(roles)
    while some := list(itertools.islice(left, AT_ONCE)):
        for role in some:
            with contextlib.suppress(psutil.Error, OSError):
                found.extend(_look_at(role))
        await asyncio.sleep(0)
    return found


def _look_at(role: Role) -> Iterable[Usage]:
    looked_at = psutil.Process(role.pid)
    with looked_at.oneshot():
        if os.getpid() in {role.pid, looked_at.ppid()}:  # else another has got its id
            cpu = looked_at.cpu_times()
            resident = looked_at.memory_info().rss
            yield Usage(role, resident, cpu.user + cpu.system, looked_at.num_fds())


class Gauge:
    """Measures again and again what processes use, with a single reading of each.

    That takes a tenth of what `usage_of` does, which tells with a thousand every few seconds.
    """

    def __init__(self) -> None:
        self._booted_at = psutil.boot_time()
        self._before: dict[int, tuple[float, float]] = {}  # CPU seconds, and when, by process id

    async def measure(self, roles: Iterable[Role]) -> tuple[float, list[ProcessUsage]]:
        """Return when it measured, in seconds since the epoch, and what each of `roles` uses;
        without those that have ended."""
        found: list[ProcessUsage] = []
        before, self._before = self._before, {}
        left = iter(roles)
        while some := list(itertools.islice(left, AT_ONCE)):
            for role in some:
                found.extend(self._look_at(role, before))
            await asyncio.sleep(0)
        return time.time(), found

    def _look_at(
        self, role: Role, before: dict[int, tuple[float, float]]
    ) -> Iterator[ProcessUsage]:
        stat = _stat_of(role.pid)
        # Otherwise another process, which is none of ours, has got its id.
        if stat and os.getpid() in {role.pid, int(stat[PARENT])}:
            cpu = (int(stat[USER_TIME]) + int(stat[SYSTEM_TIME])) * TICK
            started = int(stat[STARTED]) * TICK
            now = time.clock_gettime(time.CLOCK_BOOTTIME)
            self._before[role.pid] = cpu, now
            cpu_then, then = before.get(role.pid, (0.0, started))
            percent = 100 * max(cpu - cpu_then, 0.0) / max(now - then, TICK)
            yield ProcessUsage(
                role.kind,
                int(role.node or 0),
                role.pid,
                self._booted_at + started,
                int(stat[RESIDENT]) * PAGE,
                percent,
            )


def _stat_of(pid: int) -> list[bytes]:
    """Return the fields behind the name, which may hold anything; none for no process."""
    try:
        descriptor = os.open(f"/proc/{pid}/stat", os.O_RDONLY | os.O_CLOEXEC)
        try:
            return os.read(descriptor, STAT_BYTES).rpartition(b") ")[2].split()
        finally:
            os.close(descriptor)
    except OSError:  # it has ended, before or meanwhile; or no descriptor is left
        return []
