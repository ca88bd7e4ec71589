"""What so many nodes need of the system, what it allows, and the words when something runs out."""

import asyncio
import contextlib
import errno
import logging
import os
import resource
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from nodeproc.logs.fold import Fold

# Descriptors of the supervisor: a pipe and a pidfd for each child, one more pipe end during a fork.
A_NODE = 2
OWN = 64  # its lock, event loop, signals, journal, scrapes; what it reads of /proc
OTHERS = 2  # processes: supervisor and writer
CGROUPS = Path("/sys/fs/cgroup")

# The words for what runs out, with the cure; `os.strerror` has "resource temporarily unavailable".
EXHAUSTED = {
    errno.EAGAIN: "no more processes are allowed: raise LimitNPROC= and TasksMax= of the service",
    errno.EMFILE: "no more descriptors are allowed: raise LimitNOFILE= of the service",
    errno.ENFILE: "the system has no descriptors left: raise fs.file-max",
    errno.ENOMEM: "no memory is left",
    errno.ENOBUFS: "no memory is left for sockets",
}
ACCEPTING = "socket.accept() out of system resource"  # as asyncio reports it, once a second


class Allowed(NamedTuple):
    """What the system allows; None without a limit."""

    descriptors: int | None
    processes: int | None
    by: str  # what limits the processes


def raise_limits() -> None:
    """Allow this process what the system permits it: raise the soft limits to the hard ones."""
    for limit in (resource.RLIMIT_NOFILE, resource.RLIMIT_NPROC):
        _, hard = resource.getrlimit(limit)
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(limit, (hard, hard))


def allowed() -> Allowed:
    """Return what is allowed now."""
    limits = list(_process_limits())
    count, by = min(limits, default=(None, ""))
    return Allowed(_soft(resource.RLIMIT_NOFILE), count, by)


def _process_limits() -> Iterator[tuple[int, str]]:
    if os.geteuid() and (limit := _soft(resource.RLIMIT_NPROC)) is not None:
        yield limit, "LimitNPROC= of the service, or ulimit -u"
    with contextlib.suppress(OSError):
        _, _, path = Path("/proc/self/cgroup").read_text().strip().rpartition("::")
        own = CGROUPS / path.lstrip("/")
        for group in (own, *own.parents):
            with contextlib.suppress(OSError, ValueError):  # there is none, or it is "max"
                yield int((group / "pids.max").read_text()), "TasksMax= of the service"


def _soft(limit: int) -> int | None:
    soft, _ = resource.getrlimit(limit)
    return None if soft == resource.RLIM_INFINITY else soft


def shortages(nodes: int, given: Allowed) -> list[str]:
    """Return a sentence, with the cure, for each thing of which so many nodes need more; pure."""
    found: list[str] = []
    if not nodes:
        return found
    need = nodes * A_NODE + OWN
    if given.descriptors is not None and given.descriptors < need:
        found.append(
            f"{nodes:,} nodes need {need:,} descriptors, but only {given.descriptors:,} are "
            "allowed: raise LimitNOFILE= of the service, or ulimit -Hn; some nodes have no process"
        )
    need = nodes + OTHERS
    if given.processes is not None and given.processes < need:
        found.append(
            f"{nodes:,} nodes need {need:,} processes, but only {given.processes:,} are allowed: "
            f"raise {given.by}; some nodes have no process"
        )
    return found


def words_for(error: OSError) -> str:
    """Return what has run out and the cure; for other errors the system's words."""
    return EXHAUSTED.get(error.errno or 0) or (error.strerror or str(error)).lower()


def fold_exhaustion(
    log: logging.Logger, what: str
) -> Callable[[asyncio.AbstractEventLoop, dict[str, Any]], None]:
    """Return an exception handler for a loop that accepts connections for `what`.

    asyncio tries again each second while none can be accepted, with a traceback each time.
    """
    fold = Fold(log)

    def handle(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if context.get("message") == ACCEPTING and isinstance(error, OSError):
            why = f"{what}: no connection can be accepted: {words_for(error)}"
            fold(logging.ERROR, why, f"{why}; those that come wait")
        else:
            loop.default_exception_handler(context)

    return handle
