"""Machines that are thrown away, with systemd as process 1.

Each is a copy-on-write view of the very system that runs the tests, in namespaces of its own, with
a loopback and no other network: nothing that happens in it reaches the system. What a machine has
changed can be kept as a *layer*, on which later machines stand: what takes long is done once.

Nothing outlives the tests, however they end: a machine is a process that dies with the one that
started it, and takes everything in it along; its files are on a tmpfs that only the nursery, a
process of the same kind, holds in a mount namespace of its own.
"""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil

from tests.support.processes import dies_with_us
from tests.support.sockets import in_network_of
from tests.support.waiting import STARTING, wait_until
from tests.systemd import cgroups

BOOTING = 60.0  # seconds
RUNNING = 60.0  # seconds for a command inside, if nothing else is said
LIFE = 1800  # seconds after which a forgotten machine ends all the same
SIZE = "4g"  # of everything that all machines have written

PREFIX = "bw-machines-"
SYSTEMD = Path("/lib/systemd/systemd")
TOOLS = ("unshare", "nsenter", "setpriv", "mount", "pivot_root", "hostname", "timeout")
POWER_OFF = signal.SIGRTMIN + 4  # to systemd as process 1

ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root",
    "LANG": "C.UTF-8",
    "TERM": "dumb",
    "SYSTEMD_PAGER": "",
    "SYSTEMD_COLORS": "0",
}


class MachineError(Exception):
    """A machine could not be started; the message says why."""


def obstacle() -> str | None:
    """Return why no machine can run here, None if nothing speaks against it."""
    if os.geteuid() != 0:
        return "only root can boot a machine"
    if not SYSTEMD.exists():
        return "systemd is not installed"
    if missing := [tool for tool in TOOLS if not shutil.which(tool)]:
        return f"not installed: {', '.join(missing)}"
    if not cgroups.roots():
        return "the control groups are neither of version 2 alone nor of the hybrid layout"
    return None


class Nursery:
    """Holds the layers, and starts the machines."""

    def __init__(self) -> None:
        """Raises MachineError where that is not possible."""
        _sweep()
        # The name tells whose it is; on the directory itself only the machines' consoles are seen.
        self.path = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-"))
        script = 'mount -t tmpfs -o "size=$1,mode=0755" layers "$2" && echo && exec sleep infinity'
        command = ["unshare", "--mount", "bash", "-c", script, "bash", SIZE, str(self.path)]
        self._holder = subprocess.Popen(
            dies_with_us(command), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        assert self._holder.stdout
        if said := self._holder.stdout.readline().strip():
            self.close()
            raise MachineError(said)
        self._booted = 0

    @property
    def namespace(self) -> Path:
        """The mount namespace that has the layers."""
        return Path(f"/proc/{self._holder.pid}/ns/mnt")

    def layer(self, name: str) -> Path:
        """Return the directory of a layer, as it is reached from outside; make it if need be."""
        layer = Path(f"/proc/{self._holder.pid}/root{self.path}") / name / "up"
        layer.mkdir(parents=True, exist_ok=True)
        return layer

    def boot(self, name: str, on: Sequence[str] = ()) -> "Machine":
        """Boot a machine on the layers `on`, topmost first; what it changes becomes layer `name`.

        Raises MachineError.
        """
        self._booted += 1
        for part in ("work", "root"):
            (self.layer(name).parent / part).mkdir()
        lower = ":".join([*(f"{self.path}/{layer}/up" for layer in on), "/"])
        return Machine(self, name, lower, cgroups.name(self._booted))

    def drop(self, name: str) -> None:
        """Delete a layer."""
        shutil.rmtree(self.layer(name).parent)

    def close(self) -> None:
        """Delete all layers."""
        self._holder.kill()
        self._holder.communicate()
        shutil.rmtree(self.path)


def _sweep() -> None:
    """Remove what killed test runs have left: empty directories and control groups."""
    cgroups.sweep()
    for path in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        if not Path("/proc", path.name.removeprefix(PREFIX).partition("-")[0]).exists():
            shutil.rmtree(path, ignore_errors=True)


class Machine:
    """One machine, up and running."""

    def __init__(self, nursery: Nursery, layer: str, lower: str, name: str) -> None:
        """Boot it. Raises MachineError. Made by `Nursery.boot`."""
        self.name = name
        self.layer = layer  # the name of the layer on which it writes
        self.leader = 0  # the process id of its process 1, seen from outside
        self._console = nursery.path / f"{layer}.console"
        cgroups.make(name)
        unshare = ["unshare", "--mount", "--uts", "--ipc", "--net", "--pid", "--fork"]
        boot = str(Path(__file__).parent / "boot.sh")
        command = [
            *("timeout", "--signal=KILL", str(LIFE)),
            *dies_with_us([]),
            *("nsenter", f"--mount={nursery.namespace}", "--"),
            *(*unshare, "--kill-child=KILL", "bash", boot, str(nursery.path / layer), lower, name),
        ]
        with self._console.open("wb") as console:
            self._popen = subprocess.Popen(
                dies_with_us(command),
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=console,
                start_new_session=True,
            )
        try:
            self.leader = wait_until(self._find_leader, timeout=STARTING, message="a process 1")
            wait_until(self._is_running, timeout=BOOTING, message=lambda: self._said())
        except BaseException:
            self.down()
            raise

    def __enter__(self) -> "Machine":
        return self

    def __exit__(self, *_: object) -> None:
        self.down()

    def _said(self) -> str:
        return self._console.read_text(errors="replace").strip()

    def _find_leader(self) -> int:
        """Return the id of the process that is or becomes process 1; 0 as long as there is none."""
        self._check()
        for unshare in psutil.Process(self._popen.pid).children():
            for process in unshare.children():
                return process.pid
        return 0

    def _is_running(self) -> bool:
        self._check()
        if Path(f"/proc/{self.leader}/comm").read_text() != "systemd\n":
            return False
        state = self.run("systemctl", "is-system-running", check=False).stdout.strip()
        # Degraded is a machine on which something has failed, of this system and not of ours.
        return state in {"running", "degraded"}

    def _check(self) -> None:
        if self._popen.poll() is not None:
            raise MachineError(f"a machine did not boot: {self._said()}")

    def path(self, inside: str) -> Path:
        """Return a file of the machine as it is reached from outside: beware of absolute links."""
        return Path(f"/proc/{self.leader}/root{inside}")

    def run(
        self,
        *command: str,
        env: Mapping[str, str] | None = None,
        check: bool = True,
        timeout: float = RUNNING,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command inside, as root, to its end.

        Raises AssertionError with its output if it fails, unless `check` is false. After `timeout`
        seconds it is killed.
        """
        process = subprocess.Popen(
            ["nsenter", f"--target={self.leader}", "--all", "--", *command],
            env=ENVIRONMENT | dict(env or {}),
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            output, errors = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            # Not nsenter itself: it has to bury them, or the machine could not end.
            for child in psutil.Process(process.pid).children(recursive=True):
                child.kill()
            output, errors = process.communicate()
            errors += f"\nkilled after {timeout:g} s"
        if check and process.returncode:
            raise AssertionError(
                f"{' '.join(command)} ended with {process.returncode}:\n{output}{errors}"
            )
        return subprocess.CompletedProcess(command, process.returncode, output, errors)

    def make_socket(self) -> socket.socket:
        """Return a TCP socket in the machine's network."""
        return in_network_of(Path(f"/proc/{self.leader}/ns/net"))

    def power_off(self) -> None:
        """Shut it down in order."""
        os.kill(self.leader, POWER_OFF)
        self._popen.wait(BOOTING)
        self.down()

    def down(self) -> None:
        """End it, whatever is running in it."""
        if self._popen.poll() is None:
            os.kill(self.leader or self._popen.pid, signal.SIGKILL)
            self._popen.wait(BOOTING)
        cgroups.remove(self.name)
