"""Programs of the project as processes of their own, and the search for any that were left over."""

import contextlib
import ctypes
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Set
from pathlib import Path

import psutil

from tests.support.waiting import STARTING, STOPPING, DeadlineMissedError, wait_until

ROOT = Path(__file__).parent.parent.parent

PR_SET_CHILD_SUBREAPER = 36


def adopt_orphans() -> None:
    """Make orphaned descendants children of this process, so that none of them can hide.

    Otherwise the children of a killed supervisor would move to the system's init, out of sight.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")


def dies_with_us(command: list[str], number: signal.Signals = signal.SIGKILL) -> list[str]:
    """Return the command such that the process gets signal `number` when the tests are killed.

    Through a program, not `preexec_fn`: that is unsafe as soon as the tests have a thread.
    """
    setpriv = shutil.which("setpriv")
    prefix = [setpriv, "--pdeathsig", number.name.removeprefix("SIG"), "--"] if setpriv else []
    return prefix + command


def title_of(process: psutil.Process) -> str:
    """Return the command line of a process as `ps` shows it, "" if it is gone or a zombie."""
    try:
        line = Path(f"/proc/{process.pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return ""
    return line.rstrip(b"\0").replace(b"\0", b" ").decode(errors="replace")


def is_alive(pid: int) -> bool:
    """Whether a process exists and is more than a zombie."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


class Program:
    """A command that runs as a process; what it prints goes to a file."""

    def __init__(self, command: list[str], env: Mapping[str, str], output: Path) -> None:
        self.name = " ".join(Path(word).name for word in command)
        self.output = output
        with output.open("wb") as stream:
            self._popen = subprocess.Popen(
                dies_with_us(command),
                cwd=ROOT,
                env=dict(env),
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                # A terminal's Ctrl-C goes to a whole group: here the program and its children.
                start_new_session=True,
            )
        self.pid = self._popen.pid
        self.process = psutil.Process(self.pid)

    def text(self) -> str:
        """Return what the program has printed so far."""
        return self.output.read_text(errors="replace")

    def __repr__(self) -> str:
        return f"{self.name} (pid {self.pid})"

    @property
    def exit_code(self) -> int | None:
        """The exit code, negative for a signal; None while it runs."""
        return self._popen.poll()

    def wait_for_line(self, pattern: str, timeout: float = STARTING) -> re.Match[str]:
        """Wait until a line of the output matches `pattern`; raise at once if the program ends."""

        def found() -> re.Match[str] | None:
            ended = self.exit_code is not None
            match = re.search(pattern, self.text(), re.MULTILINE)
            if ended and not match:
                raise AssertionError(f"{self} ended without {pattern!r}:\n{self.text()}")
            return match

        return wait_until(
            found, timeout=timeout, message=lambda: f"{self}: {pattern!r} in\n{self.text()}"
        )

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the program, and to it alone."""
        self._popen.send_signal(number)

    def press_ctrl_c(self) -> None:
        """Do what a terminal does at Ctrl-C: SIGINT to the program and to all its children."""
        os.killpg(self.pid, signal.SIGINT)

    def wait(self, timeout: float = STOPPING) -> int:
        """Wait for the end of the program and return its exit code."""
        try:
            return self._popen.wait(timeout)
        except subprocess.TimeoutExpired:
            message = f"not within {timeout:g} s: {self} ends; it said\n{self.text()}"
            raise DeadlineMissedError(message) from None

    def stop(self, number: signal.Signals = signal.SIGTERM, timeout: float = STOPPING) -> int:
        """Ask the program to end, wait for it and return its exit code."""
        self.send(number)
        return self.wait(timeout)

    def children(self) -> list[psutil.Process]:
        """Return the program's direct children that live; zombies have a test of their own."""
        try:
            children = self.process.children()
        except psutil.NoSuchProcess:
            return []
        return [child for child in children if is_alive(child.pid)]

    def zombies(self) -> list[int]:
        """Return the process ids of children which ended and were not waited for."""
        found = []
        for child in self.process.children():
            with contextlib.suppress(psutil.NoSuchProcess):
                if child.status() == psutil.STATUS_ZOMBIE:
                    found.append(child.pid)
        return found


class Processes:
    """Starts programs for one test, and afterwards finds whatever is left of them."""

    def __init__(self, directory: Path, not_ours: Callable[[], Set[int | None]]) -> None:
        """`not_ours()` are the children of the test process that did not come from here."""
        self.directory = directory
        self._not_ours = not_ours
        self._programs: list[Program] = []
        self._before = {process.pid for process in _own_children()}

    def manage(self, *arguments: str, env: Mapping[str, str], kind: type = Program) -> Program:
        """Start `./manage.py` with these arguments."""
        return self.python(str(ROOT / "manage.py"), *arguments, env=env, kind=kind)

    def python(self, *arguments: str, env: Mapping[str, str], kind: type = Program) -> Program:
        """Start Python with these arguments."""
        name = Path(arguments[1]).name
        return self._start([sys.executable, *arguments], env, name, kind)

    def program(self, *command: str, env: Mapping[str, str]) -> Program:
        """Start a program of the system, by its path."""
        return self._start([*command], env, Path(command[0]).name, Program)

    def _start(self, command: list[str], env: Mapping[str, str], name: str, kind: type) -> Program:
        output = self.directory / f"{len(self._programs)}-{name}.log"
        program = kind(command, env, output)
        self._programs.append(program)
        return program

    def run(self, *arguments: str, env: Mapping[str, str]) -> str:
        """Run `./manage.py` to its end and return what it printed; raise if it failed."""
        program = self.manage(*arguments, env=env)
        if code := program.wait(STARTING):
            raise AssertionError(f"{program} ended with {code}:\n{program.text()}")
        return program.text()

    def survivors(self) -> list[psutil.Process]:
        """Return every process this test has left behind, zombies that became ours included."""
        running = {program.pid for program in self._programs if program.exit_code is None}
        known = self._before | self._not_ours() | running
        left = [process for process in _own_children() if process.pid not in known]
        for process in list(left):
            with contextlib.suppress(psutil.NoSuchProcess):
                left += process.children(recursive=True)
        return left

    def close(self) -> list[str]:
        """Stop everything; return a complaint for each program or process that did not behave."""
        complaints = [text for program in self._programs if (text := _stopped(program))]
        with contextlib.suppress(DeadlineMissedError):
            wait_until(
                lambda: not _reap(self.survivors()),
                timeout=STOPPING / 2,
                message="no process is left",
            )
        for process in _reap(self.survivors()):
            complaints.append(f"left behind: {process.pid} {title_of(process)}")
            process.kill()
        with contextlib.suppress(DeadlineMissedError):
            wait_until(lambda: not _reap(self.survivors()), timeout=STOPPING, message="")
        return complaints

    def output(self) -> str:
        """Return what all programs printed, to be read beside a failed test."""
        return "\n".join(f"----- {p} -----\n{p.text()}" for p in self._programs)


def _own_children() -> list[psutil.Process]:
    return psutil.Process(os.getpid()).children()


def _stopped(program: Program) -> str | None:
    """Stop a program the test left running; return a complaint if it did not stop when asked."""
    if program.exit_code is not None:
        return None
    for process in [program.process, *program.process.children(recursive=True)]:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.resume()
    try:
        program.stop()
    except DeadlineMissedError:
        program.send(signal.SIGKILL)
        program.wait()
        return f"did not end on SIGTERM: {program}"
    return None


def _reap(processes: list[psutil.Process]) -> list[psutil.Process]:
    """Wait for the zombies among orphans that became children of ours; return the living."""
    living = [process for process in processes if is_alive(process.pid)]
    for process in processes:
        if process not in living:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(process.pid, os.WNOHANG)
    return living
