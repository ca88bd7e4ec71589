"""Forked children that do as good as nothing.

`python -m tests.benchmarks.baselines.bare_children daemon COUNT` is `./manage.py connectnodes`, but
at SIGUSR1 its supervisor forks so many children that only sleep; at the next SIGUSR1 it ends them.

`python -m tests.benchmarks.baselines.bare_children connect COUNT PORT` loads what the supervisor
loads, prints the time (monotonic seconds), forks so many children that each connect a socket to the
address of one node and sleep, and sleeps itself until it is told to end.
"""

import importlib
import os
import signal
import socket
import sys
import time
from collections.abc import Callable

import django
from django.core.management import call_command

from supervisor.children import freeze
from tests.benchmarks.events import address


def fork(child: Callable[[], object]) -> int:
    """Fork a child that does this and sleeps; return its process id."""
    pid = os.fork()
    if pid:
        return pid
    try:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1):
            signal.signal(number, signal.SIG_DFL)
        kept = child()
        signal.pause()
        del kept
    finally:
        os._exit(0)


def end(pids: list[int]) -> None:
    """End these children, and bury them."""
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    for pid in pids:
        os.waitpid(pid, 0)
    pids.clear()


def daemon(count: int) -> None:
    """Be the daemon."""
    pids: list[int] = []

    def fork_or_end(*_: object) -> None:
        if pids:
            end(pids)
        else:
            pids.extend(fork(lambda: None) for _ in range(count))

    signal.signal(signal.SIGUSR1, fork_or_end)
    call_command("connectnodes")


def connect(count: int, port: int) -> None:
    """Fork the children that connect; end them on SIGTERM."""
    importlib.import_module("birdwatcher.writer.management.commands.connectnodes")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    freeze()
    print(time.monotonic(), flush=True)  # noqa: T201
    pids = [
        fork(lambda: socket.create_connection((address(number), port)))  # noqa: B023 called at once
        for number in range(count)
    ]
    try:
        signal.pause()
    except KeyboardInterrupt:
        end(pids)


if __name__ == "__main__":
    django.setup()
    {"daemon": daemon, "connect": connect}[sys.argv[1]](*map(int, sys.argv[2:]))
