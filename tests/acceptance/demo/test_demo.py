"""`./manage.py demo`, as `make demo` starts it."""

import re
import signal
import socket
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.support.databases import environment
from tests.support.ports import PortBlock
from tests.support.processes import Processes, Program, is_alive, title_of
from tests.support.waiting import STARTING, STOPPING, wait_until
from tests.support.web import Admin

# The commands of the parts, the names of the parts, and what is in their logs.
PARTS = (
    ("runserver", "web", "Quit the server"),
    ("runnodes", "nodes", "listening on"),
    ("connectnodes", "daemon", "serving the database"),
)
DAEMON_MAY_TAKE = 10.0  # seconds to stop, unless configured otherwise


class Demonstration:
    """Starts the demonstration on ports of its own, again and again with the same data."""

    def __init__(self, processes: Processes, ports: PortBlock, directory: Path) -> None:
        self._processes = processes
        self.web, *self.nodes = (ports.take() for _ in range(4))
        self.state_dir = directory / "demo"
        # A database elsewhere, which the demonstration must leave alone.
        self.foreign = directory / "foreign.sqlite3"
        self.env = environment(f"sqlite:///{self.foreign}", self.state_dir)

    def start(self, **env: str) -> Program:
        """Start it without waiting for anything."""
        web, *nodes = map(str, (self.web, *self.nodes))
        arguments = ("demo", "--web-port", web, "--node-ports", *nodes)
        return self._processes.manage(*arguments, env=self.env | env)

    def started(self, **env: str) -> Program:
        """Start it and wait for a bird."""
        program = self.start(**env)
        program.wait_for_line("^bird ")
        return program

    def log_in(self, program: Program, password: str) -> None:
        """Log in to its web UI as `admin`."""
        admin = Admin(f"http://127.0.0.1:{self.web}", program)
        admin.log_in("admin", password)
        assert "Dartmoor" in admin.browser.get("/admin/nodes/node/")

    def descendants(self, program: Program) -> list[psutil.Process]:
        """Return all its processes."""
        return program.process.children(recursive=True)


@pytest.fixture
def demonstration(processes: Processes, ports: PortBlock, tmp_path: Path) -> Demonstration:
    return Demonstration(processes, ports, tmp_path)


def password_of(program: Program) -> str:
    return program.wait_for_line(r"^ +password +(\S+)$")[1]


def part(program: Program, command: str) -> psutil.Process:
    """Return the part that runs `command`; the daemon has another title by now."""
    pattern = "birdwatcher: supervisor" if command == "connectnodes" else command
    (found,) = (child for child in program.children() if pattern in title_of(child))
    return found


def ended(processes: list[psutil.Process]) -> Callable[[], bool]:
    return lambda: not any(is_alive(process.pid) for process in processes)


def test_it_shows_birds_and_where_to_look_and_ctrl_c_ends_all_of_it(
    demonstration: Demonstration,
) -> None:
    program = demonstration.started()
    first, second, nobody = demonstration.nodes
    for port in (first, second):
        program.wait_for_line(rf"^node  .* 127\.0\.0\.1:{port} is connected$")
    program.wait_for_line(rf"^node  .* 127\.0\.0\.1:{nobody} is backing off \(connection refused\)")
    program.wait_for_line(r"^bird  \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC  Dartmoor  \S.*  \S+$")
    program.wait_for_line(rf"http://127\.0\.0\.1:{demonstration.web}/$")
    demonstration.log_in(program, password_of(program))

    everyone = demonstration.descendants(program)
    assert len(everyone) >= len(PARTS) + 4  # a writer and three node processes
    program.send(signal.SIGINT)
    assert program.wait() == 0
    assert ended(everyone)()
    assert "Traceback" not in program.text()
    assert "stopped" in (demonstration.state_dir / "demo-daemon.log").read_text()
    assert not demonstration.foreign.exists()


def test_a_second_one_uses_the_data_again_and_tells_a_new_password(
    demonstration: Demonstration,
) -> None:
    first = demonstration.started()
    assert "was there already" not in first.text()
    old = password_of(first)
    assert first.stop() == 0

    second = demonstration.started()
    assert "user      admin (was there already; the password is new)" in second.text()
    new = password_of(second)
    assert new != old
    demonstration.log_in(second, new)
    assert second.stop() == 0

    third = demonstration.started(BIRDWATCHER_ADMIN_PASSWORD="a chosen one")
    assert "a chosen one" not in third.text()
    demonstration.log_in(third, "a chosen one")
    # One node an address, however often it was started.
    wait_until(
        lambda: len(re.findall(r"^node .* is connected$", third.text(), re.MULTILINE)) == 2,
        timeout=STARTING,
        message=third.text,
    )


def test_killed_it_takes_everything_with_it(demonstration: Demonstration) -> None:
    program = demonstration.started()
    everyone = demonstration.descendants(program)
    program.stop(signal.SIGKILL)
    wait_until(ended(everyone), timeout=STOPPING, message="every process of the demo has ended")


@pytest.mark.parametrize(("command", "name", "logged"), PARTS)
def test_a_part_that_dies_ends_it_with_the_reason(
    demonstration: Demonstration, command: str, name: str, logged: str
) -> None:
    program = demonstration.started()
    everyone = demonstration.descendants(program)
    part(program, command).kill()
    assert program.wait() == 1
    told = f"CommandError: the part '{name}' ended by itself, with signal 9; its log"
    _, told_it, ending = program.text().partition(told)
    assert told_it
    assert logged in ending
    wait_until(ended(everyone), timeout=STOPPING, message="every process of the demo has ended")


@pytest.mark.parametrize("which", ["web", "node"])
def test_a_taken_port_is_one_sentence_before_anything_starts(
    demonstration: Demonstration, which: str
) -> None:
    port = demonstration.web if which == "web" else demonstration.nodes[1]
    with socket.create_server(("127.0.0.1", port)):
        program = demonstration.start()
        assert program.wait() == 1
    (line,) = program.text().splitlines()
    assert line.startswith(f"CommandError: port {port} on 127.0.0.1 is already in use: ")
    assert not list(demonstration.state_dir.glob("demo-*.log"))


def test_a_second_ctrl_c_ends_it_at_once(demonstration: Demonstration) -> None:
    program = demonstration.started()
    everyone = demonstration.descendants(program)
    # Stopped, it cannot end when it is asked to: without impatience that takes its whole time.
    part(program, "connectnodes").suspend()
    program.send(signal.SIGINT)
    program.wait_for_line("^Ending")

    def insist() -> bool:
        program.send(signal.SIGINT)
        return program.exit_code is not None

    wait_until(insist, timeout=DAEMON_MAY_TAKE - 1, message="the demonstration has ended at once")
    assert program.exit_code == 0
    wait_until(ended(everyone), timeout=STOPPING, message="every process of the demo has ended")
