"""Run as a program: `tether.py PARENT COMMAND…` becomes COMMAND, and ends when PARENT ends.

The kernel sends SIGTERM to the command when its parent has ended, even by SIGKILL, after which no
handler and no `finally` could end the command. The request persists across `exec`. The new process
makes it itself, because code between `fork` and `exec` in the parent (`preexec_fn`) is not safe
with threads. Standard library only, and without site-packages, so that it starts fast.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1  # from <linux/prctl.h>


def main(parent: int, command: list[str]) -> None:
    """Become `command`, which ends when the process `parent` ends. Raises OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0):
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
    # The parent may have ended before the request was made.
    if os.getppid() == parent:
        os.execv(command[0], command)  # noqa: S606 there is no shell, and none is wanted


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
