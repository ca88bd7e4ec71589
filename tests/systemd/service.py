"""Birdwatcher's service in a machine, as its operator handles it."""

import contextlib
import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil

from tests.support.daemon import DaemonProcesses
from tests.support.processes import is_alive
from tests.support.waiting import STARTING, wait_until
from tests.systemd.machine import Machine

DAEMON, WEB, SOCKET = "birdwatcher.service", "birdwatcher-web.service", "birdwatcher-web.socket"
OWN = f"_SYSTEMD_UNIT={DAEMON}"  # in the journal; what systemd says of it has another unit
ENV_FILE = "/etc/birdwatcher/birdwatcher.env"
CREDENTIALS = "/etc/birdwatcher/credentials"
STATE = "/var/lib/birdwatcher"
SOURCE, WHEELS = "/usr/src/birdwatcher", "/usr/src/wheels"

# There is no network in a machine, and pip takes everything from here.
PIP = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": WHEELS}

# A test shall not wait for what it is not about.
HASTE = {"BIRDWATCHER_HTTPS": 0, "BIRDWATCHER_BACKOFF_CAP": 0.5, "BIRDWATCHER_WRITER_TIMEOUT": 10}

HELD = "/run/held"
HOLD_LOCK = """
import pathlib, sqlite3, sys, time
connection = sqlite3.connect(sys.argv[1], timeout=30, isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
pathlib.Path(sys.argv[2]).touch()
time.sleep(3600)
"""

INSTALLING = 240.0  # seconds
CHANGING = 90.0  # seconds for systemd to start, stop or restart something


class ServiceProcesses(DaemonProcesses):
    """The daemon's processes, seen from outside the machine, with the ids that they have there."""

    def __init__(self, supervisor: psutil.Process) -> None:
        self.process = supervisor
        self.pid = supervisor.pid

    def children(self) -> list[psutil.Process]:
        """Return the supervisor's direct children that live."""
        with contextlib.suppress(psutil.NoSuchProcess):
            return [child for child in self.process.children() if is_alive(child.pid)]
        return []


class Service:
    """What the operator does, and sees."""

    def __init__(self, machine: Machine, server: str = "") -> None:
        """`server`: the unit of the database server, "" with SQLite."""
        self.machine = machine
        self.server = server

    # Configuration

    def configure(self, **variables: object) -> None:
        """Set variables in the environment file; the last line that sets one counts."""
        with self.machine.path(ENV_FILE).open("a") as file:
            file.writelines(f"{name}={value}\n" for name, value in variables.items())

    def credential(self, name: str, value: str) -> None:
        """Set a secret."""
        path = self.machine.path(CREDENTIALS) / name
        path.write_text(value)
        path.chmod(0o600)

    def drop_in(self, *lines: str, unit: str = DAEMON) -> None:
        """Add lines to the [Service] section of a unit."""
        path = self.machine.path(f"/etc/systemd/system/{unit}.d/tests.conf")
        path.parent.mkdir(exist_ok=True)
        path.write_text("\n".join(["[Service]", *lines, ""]))
        self.systemctl("daemon-reload")

    @contextlib.contextmanager
    def without_database(self) -> Iterator[None]:
        """Within, the database server is stopped, or SQLite's file locked."""
        if self.server:
            self.systemctl("stop", self.server)
            yield
            self.systemctl("start", self.server)
        else:
            # Not from outside: SQLite resolves links, and would take /proc/<pid>/root for /.
            holder = ("systemd-run", "--unit=holder", "/usr/bin/python3", "-c", HOLD_LOCK)
            self.machine.run(*holder, f"{STATE}/birdwatcher.sqlite3", HELD)
            wait_until(self.machine.path(HELD).exists, timeout=STARTING, message="a held lock")
            yield
            self.systemctl("stop", "holder")

    # systemd

    def systemctl(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run systemctl to its end."""
        return self.machine.run("systemctl", *arguments, check=check, timeout=CHANGING)

    def start(self) -> None:
        """Start the daemon; raise AssertionError with its log if it does not start."""
        if self.systemctl("start", DAEMON, check=False).returncode:
            raise AssertionError(f"not started:\n{self.status()}\n{self.log()}")

    def stop(self) -> None:
        """Stop the daemon."""
        self.systemctl("stop", DAEMON)

    def show(self, name: str, unit: str = DAEMON) -> str:
        """Return one of a unit's properties."""
        return self.systemctl("show", "--value", "--property", name, unit).stdout.strip()

    def status(self, unit: str = DAEMON) -> str:
        """Return what `systemctl status` shows."""
        return self.systemctl("status", "--full", "--lines=30", unit, check=False).stdout

    def wait_for(self, name: str, value: str, *, timeout: float = STARTING) -> None:
        """Wait until a property of the daemon's unit matches this regular expression."""
        wait_until(
            lambda: re.fullmatch(value, self.show(name)),
            timeout=timeout,
            message=lambda: f"{name} is {value}:\n{self.status()}\n{self.log()}",
        )

    def group(self) -> list[int]:
        """Return the ids, seen from outside, of all processes in the service's control group."""
        group = f"/birdwatcher.slice/{DAEMON}"
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(OSError):
                lines = Path(f"/proc/{process.pid}/cgroup").read_text().splitlines()
                ours = [line for line in lines if line.endswith(f"{self.machine.name}{group}")]
                found += [process.pid] if ours else []
        return found

    # Memory

    def limit_memory(self, most: int | None) -> None:
        """Let the daemon have so many bytes, or as many as there are."""
        limit = "infinity" if most is None else str(most)
        self.systemctl("set-property", "--runtime", DAEMON, f"MemoryMax={limit}")

    def out_of_memory(self) -> bool:
        """Whether a process of the daemon was killed for want of memory."""
        group = self.show("ControlGroup")
        for path in (f"memory{group}/memory.oom_control", f"{group}/memory.events"):
            file = self.machine.path(f"/sys/fs/cgroup/{path}")
            if file.exists():
                return not re.search(r"^oom_kill 0$", file.read_text(), re.MULTILINE)
        return False

    # Processes

    def processes(self) -> ServiceProcesses | None:
        """Return the daemon's processes, None as long as it has no main process."""
        inside = self.show("MainPID")
        for process in psutil.Process(self.machine.leader).children():
            with contextlib.suppress(psutil.NoSuchProcess, FileNotFoundError):
                status = Path(f"/proc/{process.pid}/status").read_text()
                if re.search(rf"^NSpid:.*\t{inside}$", status, re.MULTILINE):
                    return ServiceProcesses(process)
        return None

    @property
    def daemon(self) -> ServiceProcesses:
        """The daemon's processes; raises AssertionError if it does not run."""
        found = self.processes()
        assert found, self.status()
        return found

    def writer(self) -> int:
        """Return the writer's process id."""
        return wait_until(
            lambda: self.daemon.writer() or 0, timeout=STARTING, message="there is a writer"
        )

    # Words

    def log(self, *arguments: str, unit: str | None = DAEMON) -> str:
        """Return the messages in the journal; `arguments` are further ones of journalctl."""
        chosen = ["--unit", unit] if unit else []
        command = ["journalctl", "--quiet", "--no-pager", "--output=cat", *chosen, *arguments]
        return self.machine.run(*command).stdout

    def own_words(self, *arguments: str, after: str | None = None) -> list[str]:
        """Return the lines in the journal that the daemon's processes have written themselves.

        `after`: only those that came after this `cursor`; `arguments` as of `log`.
        """
        since = [f"--after-cursor={after}"] if after else []
        return self.log(*since, *arguments, OWN, unit=None).splitlines()

    def cursor(self) -> str:
        """Return where the daemon's own words end now."""
        # With the same filter: after an entry that it holds back, systemd 252 misses the next one.
        said = self.log("--lines=1", "--show-cursor", OWN, unit=None)
        return said.rpartition("cursor: ")[2].strip()

    def entries(self, *arguments: str) -> Iterator[dict[str, str]]:
        """Yield the daemon's entries of the journal with all their fields."""
        for line in self.log("--output=json", *arguments).splitlines():
            yield json.loads(line)

    def wait_for_log(self, pattern: str, *, timeout: float = STARTING) -> re.Match[str]:
        """Wait until a line of the daemon's log matches."""
        return wait_until(
            lambda: re.search(pattern, self.log(), re.MULTILINE),
            timeout=timeout,
            message=lambda: f"{pattern!r} in the log:\n{self.log()}",
        )

    # Commands

    def python(self, script: str) -> str:
        """Run Python with the project's models, and the service's database; return its output."""
        return self.command("shell", "--verbosity=0", "--command", script).stdout

    def command(
        self, *arguments: str, check: bool = True, timeout: float = CHANGING
    ) -> subprocess.CompletedProcess[str]:
        """Run `birdwatcher` with these arguments."""
        return self.machine.run("birdwatcher", *arguments, check=check, timeout=timeout)

    def install(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run the install script of the tree in the machine."""
        script = f"{SOURCE}/systemd/install.sh"
        return self.machine.run(script, *arguments, env=PIP, check=check, timeout=INSTALLING)
