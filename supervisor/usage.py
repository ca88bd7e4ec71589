"""What the processes of the daemon use of the machine."""

import asyncio
import contextlib
import itertools
import os
from collections.abc import Iterable
from typing import NamedTuple

import psutil

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
