"""`./manage.py connectnodes` as a test sees it: its processes, their titles, their sockets."""

import contextlib
import dataclasses
import re

import psutil

from tests.support.processes import Program, title_of
from tests.support.waiting import STARTING, wait_until

SUPERVISOR_TITLE = re.compile(r"birdwatcher: supervisor (\d+) nodes?, (\d+) connected")
WRITER_TITLE = re.compile(r"birdwatcher: writer\b")
NODE_TITLE = re.compile(
    r"birdwatcher: node (?P<id>\d+) (?P<name>.*) (?P<address>\S+:\d+) (?P<state>[a-z ]+)"
)


@dataclasses.dataclass(frozen=True)
class NodeProcess:
    """A node's process, read from its title."""

    pid: int
    node: int
    name: str
    address: str
    state: str


class DaemonProcesses:
    """The daemon's processes, whoever started them."""

    process: psutil.Process  # the supervisor

    def children(self) -> list[psutil.Process]:
        """Return the supervisor's direct children that live."""
        raise NotImplementedError

    def titles(self) -> dict[int, str]:
        """Return the titles of the supervisor and of its children by process id."""
        processes = [self.process, *self.children()]
        return {process.pid: title for process in processes if (title := title_of(process))}

    def title(self) -> str:
        """Return the supervisor's own title."""
        return title_of(self.process)

    def nodes(self) -> dict[int, NodeProcess]:
        """Return the node processes by node id."""
        found = {}
        for pid, title in self.titles().items():
            if match := NODE_TITLE.fullmatch(title):
                node = int(match["id"])
                found[node] = NodeProcess(
                    pid, node, match["name"], match["address"], match["state"]
                )
        return found

    def writer(self) -> int | None:
        """Return the writer's process id."""
        for pid, title in self.titles().items():
            if WRITER_TITLE.match(title):
                return pid
        return None

    def counts(self) -> tuple[int, int] | None:
        """Return how many nodes and how many connected ones the supervisor's title tells."""
        match = SUPERVISOR_TITLE.fullmatch(self.title())
        return (int(match[1]), int(match[2])) if match else None

    def state(self, node: int) -> str | None:
        """Return the state in the title of a node's process, None without a process."""
        process = self.nodes().get(node)
        return process.state if process else None

    def connected_anew(self, node: int, before: int) -> bool:
        """Whether a process other than this one is connected to a node, by one look at it."""
        process = self.nodes().get(node)
        return process is not None and process.pid != before and process.state == "connected"

    def name_of(self, node: int) -> str | None:
        """Return the name in the title of a node's process, None without a process."""
        process = self.nodes().get(node)
        return process.name if process else None

    def connections(self) -> dict[int, set[tuple[str, int]]]:
        """Return for each child the far ends of its established TCP connections.

        Read from the system's tables of sockets, not from anything the daemon says.
        """
        found: dict[int, set[tuple[str, int]]] = {}
        for child in self.children():
            with contextlib.suppress(psutil.NoSuchProcess, FileNotFoundError):
                found[child.pid] = {
                    tuple(connection.raddr)
                    for connection in child.net_connections(kind="tcp")
                    if connection.status == psutil.CONN_ESTABLISHED
                }
        return found

    def connected_to(self, port: int, ip_address: str = "127.0.0.1") -> list[int]:
        """Return the process ids of the children connected to this address."""
        return [pid for pid, ends in self.connections().items() if (ip_address, port) in ends]


class Daemon(Program, DaemonProcesses):
    """The daemon, started by the test."""

    def is_up(self) -> bool:
        """Whether the supervisor counts nodes and the writer has its title."""
        if self.exit_code is not None:
            raise AssertionError(f"{self} ended with {self.exit_code}:\n{self.text()}")
        return self.counts() is not None and self.writer() is not None

    def wait_until_up(self) -> None:
        """Wait until the daemon has started."""
        wait_until(
            self.is_up,
            timeout=STARTING,
            message=lambda: f"{self} is up; titles {self.titles()}; it said\n{self.text()}",
        )
