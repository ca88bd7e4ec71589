"""One part of the demonstration: a process with its log file."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from birdwatcher.configuration.config import BASE_DIR
from birdwatcher.demo.interrupts import Interrupts
from supervisor.in_child import tie_to

TAIL_LINES = 15


class Part:
    """A command of `manage.py` in a process of its own.

    It leads a session, so that Ctrl-C in the terminal reaches only the demonstration, which then
    stops its parts in order. The kernel ends it if the demonstration is killed.
    """

    def __init__(
        self,
        name: str,
        arguments: Sequence[str],
        log: Path,
        environ: Mapping[str, str],
        stop_seconds: float,
    ) -> None:
        """Start `manage.py` with `arguments`; its output replaces the content of `log`.

        `stop_seconds`: the time that it may take to end after SIGTERM.
        """
        self.name = name
        self.log = log
        self._stop_seconds = stop_seconds
        command = [sys.executable, str(BASE_DIR / "manage.py"), *arguments]
        with log.open("wb") as output:
            self._process = subprocess.Popen(  # noqa: S603 our own program
                command,
                cwd=BASE_DIR,
                env=dict(environ),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                # Safe before `exec`, since this process has one thread.
                preexec_fn=partial(tie_to, os.getpid(), signal.SIGTERM),
            )
        self.pidfd = os.pidfd_open(self._process.pid)
        """Readable once the process has ended."""

    @property
    def ended(self) -> bool:
        """Whether the process has ended."""
        # `finish` reaps it: until then, no other process or group can get its number.
        return os.waitid(os.P_PIDFD, self.pidfd, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def stop(self, interrupts: Interrupts) -> None:
        """Send SIGTERM and wait for the end, unless the user interrupts again."""
        deadline = time.monotonic() + self._stop_seconds
        signal.pidfd_send_signal(self.pidfd, signal.SIGTERM)
        while not self.ended and not interrupts.impatient and time.monotonic() < deadline:
            interrupts.wait(deadline - time.monotonic(), self.pidfd)

    def finish(self) -> int:
        """Kill the rest of the process group; return the exit code of the process."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        os.close(self.pidfd)
        return self._process.wait()

    def tail(self) -> str:
        """Return the last lines of the log."""
        with self.log.open(errors="replace") as lines:
            return "".join(deque(lines, TAIL_LINES)).rstrip()
