"""One daemon per state directory, including the processes of an earlier one.

The lock is on a file that the supervisor and its node processes hold open: the kernel releases it
when the last of them ends. So no two processes ever write one spool, even when the supervisor was
killed and the next one starts while the old children are still spooling what they retain.
"""

import contextlib
import errno
import os
import time
from pathlib import Path

import psutil

from nodeproc.file_lock import try_lock

PATIENCE = 10.0  # seconds for the processes of a killed daemon to end
PAUSE = 0.05


class StateDirectoryError(Exception):
    """The state directory cannot be used; the message is one sentence for the operator."""


class StateDirectoryBusyError(StateDirectoryError):
    """It cannot be used for now: another daemon uses it, or its disk is full or broken."""


PASSING = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.ENFILE})


def lock_state_directory(directory: Path) -> int:
    """Lock `directory` and return the descriptor that holds the lock as long as it is open.

    Blocks for a bounded time. Raises StateDirectoryError, StateDirectoryBusyError.
    """
    try:
        descriptor = os.open(
            directory / "daemon.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640
        )
    except OSError as error:
        kind = StateDirectoryBusyError if error.errno in PASSING else StateDirectoryError
        raise kind(
            f"The state directory {directory} cannot be used: {(error.strerror or '').lower()}."
        ) from None
    deadline = time.monotonic() + PATIENCE
    while not try_lock(descriptor):
        holder = _holder(descriptor)
        if holder is not None and _is_alive(holder):
            raise StateDirectoryBusyError(
                f"Another daemon, process {holder}, uses the state directory {directory} already."
            )
        if time.monotonic() > deadline:
            raise StateDirectoryBusyError(
                f"Processes of an earlier daemon still use the state directory {directory}."
            )
        time.sleep(PAUSE)
    with contextlib.suppress(OSError):  # a full disk: the lock holds without it
        os.truncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
    return descriptor


def _holder(descriptor: int) -> int | None:
    with contextlib.suppress(ValueError):
        return int(os.pread(descriptor, 32, 0))
    return None


def _is_alive(pid: int) -> bool:
    """Return whether the process runs; a dead one that its parent has not waited for does not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
