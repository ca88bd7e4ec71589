"""`./manage.py runnodes` as a process."""

import contextlib
import json
import re
import signal
import socket
import struct
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.databases import environment
from tests.support.fieldnode import reset_on_close
from tests.support.ports import PortBlock
from tests.support.processes import Processes, Program
from tests.support.waiting import wait_until

TIMEOUT = 10.0


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    """An environment with a database that is not there: none is needed."""
    return environment(f"sqlite:///{tmp_path}/nowhere/database", tmp_path / "state")


@contextlib.contextmanager
def client(port: int, host: str = "127.0.0.1") -> Iterator[socket.socket]:
    with socket.create_connection((host, port), timeout=TIMEOUT) as connection:
        yield connection


def read_events(connection: socket.socket, count: int) -> list[dict[str, str]]:
    with connection.makefile("rb") as stream:
        events = []
        for _ in range(count):
            (length,) = struct.unpack("<I", stream.read(4))
            events.append(json.loads(stream.read(length).decode()))
        return events


def start(processes: Processes, env: dict[str, str], *arguments: str | int) -> Program:
    program = processes.manage("runnodes", *map(str, arguments), env=env)
    program.wait_for_line("^listening on ")
    return program


def test_two_nodes_send_events(processes: Processes, ports: PortBlock, env: dict[str, str]) -> None:
    addresses = [ports.take(), ports.take()]
    program = start(processes, env, *addresses, "--rate", 50)
    for port in addresses:
        program.wait_for_line(f"^listening on 127.0.0.1:{port}$")
        with client(port) as connection:
            for event in read_events(connection, 5):
                assert event.keys() == {"timestamp", "species", "name"}
                assert all(isinstance(value, str) and value for value in event.values())
    assert program.stop() == 0


def test_one_event_every_one_to_three_seconds_by_default(
    processes: Processes, ports: PortBlock, env: dict[str, str]
) -> None:
    port = ports.take()
    start(processes, env, port)
    started = time.monotonic()
    with client(port) as connection:
        read_events(connection, 2)
    assert 1.9 <= time.monotonic() - started <= 6 + TIMEOUT


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_closes_the_connections_and_ends_with_0(
    processes: Processes, ports: PortBlock, env: dict[str, str], number: signal.Signals
) -> None:
    port = ports.take()
    program = start(processes, env, port, "--count", 3, "--rate", 0)
    with client(port) as connection:
        read_events(connection, 3)
        program.send(number)
        assert connection.recv(1) == b""
    assert program.wait() == 0
    assert "Traceback" not in program.text()


def test_it_says_who_comes_and_goes(
    processes: Processes, ports: PortBlock, env: dict[str, str]
) -> None:
    port = ports.take()
    program = start(processes, env, port, "--count", 2, "--rate", 0)
    with client(port) as connection:
        read_events(connection, 2)
        me = f"127.0.0.1:{connection.getsockname()[1]}"
        program.wait_for_line(f"node on 127.0.0.1:{port}: client {me} connected$")
    program.wait_for_line(f"client {me} disconnected after 2 events$")
    # One line each: start, connect, disconnect, and one on standard output.
    assert len(program.text().splitlines()) == 4


def test_a_port_in_use_is_one_sentence(
    processes: Processes, ports: PortBlock, env: dict[str, str]
) -> None:
    free, taken = ports.take(), ports.take()
    with socket.create_server(("127.0.0.1", taken)):
        program = processes.manage("runnodes", str(free), str(taken), env=env)
        assert program.wait() == 1
    (error,) = (line for line in program.text().splitlines() if "INFO" not in line)
    assert error == (
        f"CommandError: port {taken} on 127.0.0.1 is already in use: "
        "stop what listens there or choose another port"
    )


def test_the_port_of_a_killed_one_is_free_at_once(
    processes: Processes, ports: PortBlock, env: dict[str, str]
) -> None:
    port = ports.take()
    for _ in range(2):
        program = start(processes, env, port, "--rate", 100)
        with client(port) as connection:
            read_events(connection, 2)
            program.stop(signal.SIGKILL)


@pytest.mark.usefixtures("ipv6")
def test_ipv6(processes: Processes, ports: PortBlock, env: dict[str, str]) -> None:
    port = ports.take()
    program = start(processes, env, port, "--host", "::1", "--rate", 50)
    program.wait_for_line(re.escape(f"listening on [::1]:{port}"))
    with client(port, "::1") as connection:
        read_events(connection, 2)


def test_a_client_that_resets_is_part_of_life(
    processes: Processes, ports: PortBlock, env: dict[str, str]
) -> None:
    port = ports.take()
    program = start(processes, env, port, "--rate", 0)
    with client(port) as connection:
        read_events(connection, 2)
        # Closed with a reset, in the middle of the stream.
        reset_on_close(connection)
    wait_until(
        lambda: "disconnected" in program.text(), timeout=TIMEOUT, message=lambda: program.text()
    )
    with client(port) as connection:
        read_events(connection, 2)
    assert program.stop() == 0
    assert "ERROR" not in program.text()
    assert "Traceback" not in program.text()
