"""Processes that hang: they are there, run no more, and handle no signal."""

import contextlib
import ctypes
import os
from collections.abc import Iterator

# From <linux/ptrace.h>.
PTRACE_DETACH, PTRACE_SEIZE, PTRACE_INTERRUPT = 17, 0x4206, 0x4207
WALL = 0x40000000  # __WALL of waitpid(2): also of threads, and of processes that are not children


@contextlib.contextmanager
def hung(pid: int) -> Iterator[None]:
    """Hold a process where it is, as a debugger does, until the end or until it is killed.

    Other than after SIGSTOP it does not go on with the SIGCONT that systemd sends after SIGTERM.
    Within, `bury` has to be called now and then.
    """
    _ptrace(PTRACE_SEIZE, pid)
    _ptrace(PTRACE_INTERRUPT, pid)
    os.waitpid(pid, WALL)
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            _ptrace(PTRACE_DETACH, pid)


def bury(pid: int) -> None:
    """Notice the end of a held process: before its debugger has, its parent cannot."""
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, WALL | os.WNOHANG)


def _ptrace(request: int, pid: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.ptrace.argtypes = (ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p)
    libc.ptrace.restype = ctypes.c_long
    if libc.ptrace(request, pid, None, None) == -1:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
