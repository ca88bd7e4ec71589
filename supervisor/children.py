"""The only place that forks; `in_child` is what the child does first.

What one must know about fork, signals and asyncio to change these two files:

- The child begins inside the parent's running event loop. It must never touch the loop object it
  inherited: its epoll instance is shared with the parent.
- Until the child has reset them, the signal handlers it inherited write to the *parent's* wake-up
  socket. Signals are therefore blocked across the fork.
- Descriptors are closed by number. Python objects of the parent that own one of those numbers
  live on in the child, so they must never be collected there: everything inherited is frozen
  first.
- Only this file waits for a child: after the pidfd said that it is dead, and by its own process id.
  As process 1, of a container, it also waits for orphans, which the kernel makes its children.
- It is `os.fork` and not `multiprocessing.Process`, because that writes to more of the pages that
  parent and child share, keeps two descriptors more open for each child, and leaks four when a fork
  fails.
"""

import asyncio
import contextlib
import gc
import logging
import multiprocessing
import os
import signal
import time
from collections.abc import Callable
from typing import Any, NoReturn

from nodeproc.wire.channel import Channel
from nodeproc.wire.frames import Frame
from supervisor.in_child import SIGNALS, run_child
from supervisor.protocols import ChildOwner

log = logging.getLogger("birdwatcher.supervisor")

# Seconds between the two signs of a child's end: the process is dead, and its pipe is drained.
LINGER = 1.0
DRAINED_FIRST = 5.0  # the same, if the pipe is closed first; then the child is killed
REAP_WAIT = 1.0  # seconds at most, in which nothing else is done
ORPHANS_EVERY = 1.0  # seconds

_waited_for: set[int] = set()  # process ids of our own children, until their end is known


class Child:
    """One forked process, the supervisor's end of its pipe, and its pidfd.

    Implements `ChannelOwner`.
    """

    def __init__(
        self,
        target: Callable[..., int],
        args: tuple[Any, ...],
        owner: ChildOwner,
        *,
        keep: int | None = None,
        tied: bool = False,
        oom_score: int = 0,
    ) -> None:
        """Fork a process that runs `target(connection, parent process id, *args)` and exits with
        the code that it returns. It inherits its pipe and, if given, the descriptor `keep`. If it
        is `tied`, the kernel kills it when this process dies, whatever it is doing. When memory
        runs out, the kernel takes the process with the higher `oom_score` (0 to 1000) first.

        Needs a running event loop. Raises OSError if it cannot be forked.
        """
        self._loop = asyncio.get_running_loop()
        self._owner = owner
        parent = os.getpid()
        ours, theirs = multiprocessing.Pipe(duplex=True)
        try:
            self.pid = _fork(lambda: run_child(target, theirs, parent, args, keep, tied, oom_score))
        except OSError:
            ours.close()
            raise
        finally:
            theirs.close()
        with contextlib.ExitStack() as undo:  # without a pidfd it would not be watched
            undo.callback(_reap, self.pid)
            undo.callback(ours.close)
            self._pidfd = os.pidfd_open(self.pid)
            undo.callback(os.close, self._pidfd)
            self.channel = Channel(ours, self)
            undo.pop_all()
        _waited_for.add(self.pid)
        self._loop.add_reader(self._pidfd, self._died)
        self._exit_code: int | None = None
        self.is_drained = False
        self._linger: asyncio.TimerHandle | None = None

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to this process, never to another one that got its id."""
        if self._exit_code is None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._pidfd, number)

    def kill(self) -> None:
        """End the process at once."""
        self.signal(signal.SIGKILL)

    def _died(self) -> None:
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        if not pid:
            return
        _waited_for.discard(pid)
        self._exit_code = os.waitstatus_to_exitcode(status)
        self._loop.remove_reader(self._pidfd)
        os.close(self._pidfd)
        if self.is_drained:
            self._ended()
        else:  # bounded: the pipe may stay full while the writer takes nothing
            self._linger = self._loop.call_later(LINGER, self._ended)

    # From the pipe

    def frame_arrived(self, frame: Frame) -> None:
        """Hand a frame of the process to the owner."""
        self._owner.child_sent(frame)

    def pipe_drained(self) -> None:
        """Report to the owner that nothing is waiting to be sent."""
        self._owner.child_drained()

    def pipe_closed(self) -> None:
        """Expect the death of the process: it has closed its end."""
        self.is_drained = True
        self.channel.close()
        if self._exit_code is None:
            self._linger = self._loop.call_later(DRAINED_FIRST, self.kill)
        elif self._linger:
            self._ended()

    def _ended(self) -> None:
        if self._linger:
            self._linger.cancel()
            self._linger = None
        assert self._exit_code is not None  # noqa: S101 for the type checker
        self._owner.child_ended(self._exit_code)


def freeze() -> None:
    """Keep what exists now out of every later garbage collection, which would copy the pages that
    all processes share. Call it before the first fork."""
    gc.collect()
    gc.freeze()


async def reap_orphans() -> None:
    """Wait for the ends of orphans, for ever; what process 1 owes them (pid_namespaces(7))."""
    while True:
        await asyncio.sleep(ORPHANS_EVERY)
        with contextlib.suppress(ChildProcessError):  # no child at all
            _reap_dead_orphans()


def _reap_dead_orphans() -> None:
    # WNOWAIT only looks. A dead child of our own may be seen first: its pidfd is readable then, and
    # the orphans behind it have their turn next time.
    only_look = os.WEXITED | os.WNOHANG | os.WNOWAIT
    while (dead := os.waitid(os.P_ALL, 0, only_look)) and dead.si_pid not in _waited_for:
        os.waitpid(dead.si_pid, os.WNOHANG)


def describe_exit(code: int) -> str:
    """Return `exit code 70`, or `killed by SIGKILL`."""
    if code < 0:
        with contextlib.suppress(ValueError):
            return f"killed by {signal.Signals(-code).name}"
    return f"exit code {code}"


def _fork(live: Callable[[], NoReturn]) -> int:
    """Fork a child that runs `live` with its signals blocked; return its id. Raises OSError."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        pid = os.fork()
        if not pid:
            live()
        return pid
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _reap(pid: int) -> None:
    """Kill a child, and wait a moment for its end."""
    os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + REAP_WAIT
    while not os.waitpid(pid, os.WNOHANG)[0] and time.monotonic() < deadline:
        time.sleep(0.001)
