"""SIGHUP to a program that has only just been started."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

from tests.support.waiting import STARTING, wait_until

HARDLY_LOADED = 30_000  # kB of memory; with Django it is more than twice as much


def hang_up_while_it_starts(pid: int, is_up: Callable[[], bool]) -> None:
    """Send SIGHUP again and again, from the first line of `manage.py` on, until it is up."""
    wait_until(
        lambda: _keeps_hangup(_status(pid)), timeout=STARTING, message="SIGHUP is kept at the start"
    )
    resident = int(_status(pid)["VmRSS"].split()[0])
    if resident > HARDLY_LOADED:
        raise AssertionError(f"SIGHUP is kept too late: {resident} kB are loaded")

    def up() -> bool:
        os.kill(pid, signal.SIGHUP)
        return is_up()

    wait_until(up, timeout=STARTING, message="it is up")


def _status(pid: int) -> dict[str, str]:
    """Return what the system knows of a process (proc(5))."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return dict(line.split(":", 1) for line in lines)


def _keeps_hangup(status: dict[str, str]) -> bool:
    return bool(int(status["SigBlk"], 16) >> (signal.SIGHUP - 1) & 1)
