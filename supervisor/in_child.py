"""What a forked child does before and after its own work."""

import contextlib
import ctypes
import gc
import logging
import os
import resource
import signal
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any, NoReturn

from nodeproc.logs.lines import flush

log = logging.getLogger("birdwatcher.supervisor")

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)  # blocked while it is forked
EXIT_CRASHED = 70
PR_SET_PDEATHSIG = 1  # linux/prctl.h
OOM_SCORE = "/proc/self/oom_score_adj"  # proc(5): from -1000, never, to 1000, first


def run_child(
    target: Callable[..., int],
    connection: Connection,
    parent: int,
    args: tuple[Any, ...],
    keep: int | None,
    tied: bool,
    oom_score: int,
) -> NoReturn:
    """Be the child: make it ready, run `target`, and exit."""
    code = EXIT_CRASHED
    try:
        _leave_parent_behind(connection, keep)
        _raise_oom_score(oom_score)
        if tied:
            tie_to(parent)
        code = target(connection, parent, *args)
    except BaseException:
        log.critical("crashed", exc_info=True)
    finally:
        try:
            flush()
        finally:
            os._exit(code)


def _leave_parent_behind(connection: Connection, keep: int | None) -> None:
    gc.freeze()
    gc.enable()
    signal.set_wakeup_fd(-1)
    for number in SIGNALS:
        signal.signal(number, signal.SIG_DFL)
    # A terminal's Ctrl-C and hangup reach the whole process group; the supervisor handles them.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    _close_all_but({connection.fileno(), *([] if keep is None else [keep])})
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)


def _raise_oom_score(oom_score: int) -> None:
    """Have the kernel kill this process before the parent when memory runs out.

    A process needs no privilege to raise its own score.
    """
    with contextlib.suppress(OSError):
        # Without pathlib, whose pages each child would copy.
        descriptor = os.open(OOM_SCORE, os.O_RDWR | os.O_CLOEXEC)
        try:
            if int(os.read(descriptor, 16)) < oom_score:
                os.write(descriptor, str(oom_score).encode())
        finally:
            os.close(descriptor)


def tie_to(parent: int, end: signal.Signals = signal.SIGKILL) -> None:
    """Have the kernel send this process the signal `end` when its parent dies (prctl(2),
    PR_SET_PDEATHSIG), also if it runs another program by then.

    For a child that may be blocked in a library, where no event loop sees a pidfd.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_PDEATHSIG, end) != 0:
        raise OSError(ctypes.get_errno(), "prctl")
    if os.getppid() != parent:  # it died before prctl
        os._exit(EXIT_CRASHED)


def _close_all_but(kept: set[int]) -> None:
    """Close every descriptor but the standard ones and `kept`."""
    _, highest = resource.getrlimit(resource.RLIMIT_NOFILE)
    low = 3
    for descriptor in sorted(it for it in kept if it >= low):
        os.closerange(low, descriptor)
        low = descriptor + 1
    os.closerange(low, 2**31 - 1 if highest == resource.RLIM_INFINITY else highest)
