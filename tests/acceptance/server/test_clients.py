"""The web UI's server and its clients: those who stall, those who take much, and WebSockets."""

import http.client
import os
import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import psutil
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from birdwatcher.common.limits import BODY_BYTES, GRACEFUL_TIMEOUT, THREADS
from tests.support.databases import Database
from tests.support.ports import PortBlock
from tests.support.processes import Processes, Program
from tests.support.waiting import SLACK, STARTING, wait_until
from tests.support.webprogram import BODY_TIMEOUT, SOCKET_TIMEOUT, SPEED_WINDOW

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)

MUCH = 64 * 1024 * 1024  # bytes that a worker may grow by, whatever its clients do
STOPPED = GRACEFUL_TIMEOUT + STARTING
RESTARTED = 1012  # RFC 6455's registry: "Service Restart"


@pytest.fixture
def address(ports: PortBlock) -> str:
    """Where the web UI is to listen."""
    return f"127.0.0.1:{ports.take()}"


@pytest.fixture
def program(processes: Processes, database: Database, address: str) -> Program:
    """The server with one worker, and the pages of `tests.support.webprogram`."""
    env = database.env | {"BIRDWATCHER_WEB_WORKERS": "1"}
    program = processes.python("-m", "tests.support.webprogram", "serve", address, env=env)
    program.wait_for_line(r"web: listening on http://")
    wait_until(lambda: program.children(), timeout=STARTING, message="there is a worker")
    return program


def ask(address: str, path: str, method: str = "GET", body: bytes | None = None) -> tuple[int, str]:
    """Return the status and the text of an answer."""
    connection = http.client.HTTPConnection(address, timeout=2 * BODY_TIMEOUT)
    try:
        connection.request(method, path, body)
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


def call(address: str) -> socket.socket:
    """Connect, as a client that keeps little itself of what it does not take."""
    host, port = address.split(":")
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 * 1024)
    client.settimeout(STARTING)
    client.connect((host, int(port)))
    return client


def memory(program: Program) -> int:
    """Return the resident bytes of the worker."""
    (worker,) = program.children()
    return worker.memory_info().rss


def wait_until_cut_off(client: socket.socket, within: float) -> None:
    """Wait until the server has closed or reset the connection; what it sent is thrown away."""
    client.settimeout(within)
    try:
        while client.recv(1 << 20):
            pass
    except ConnectionResetError:
        pass


def test_threads_are_few_and_stay(program: Program, address: str) -> None:
    with ThreadPoolExecutor(16) as visitors:
        answers = list(visitors.map(lambda _: ask(address, "/thread"), range(100)))
    assert {status for status, _ in answers} == {200}
    assert len({thread for _, thread in answers}) <= THREADS
    # One visitor after another meets the same thread, and its database connection, or, having come
    # before that has gone back to its place, the one beside it.
    wait_until(
        lambda: len({ask(address, "/thread") for _ in range(10)}) <= 2,
        timeout=STARTING,
        message="one or two threads answer",
    )


def test_clients_who_take_nothing_are_cut_off(program: Program, address: str) -> None:
    """More of them than there are threads, each before a stream that never ends."""
    before = memory(program)
    clients = [call(address) for _ in range(2 * THREADS)]
    for client in clients:
        client.sendall(b"GET /endless HTTP/1.1\r\nHost: localhost\r\n\r\n")
    # A thread is free again only when they have lost theirs. Whoever has waited too long for one is
    # refused, and asks again.
    wait_until(
        lambda: ask(address, "/thread")[0] == 200,
        timeout=3 * SOCKET_TIMEOUT + SLACK,
        message="a thread is free",
    )
    assert memory(program) - before < MUCH
    # Not by taking what they were sent: whoever is not cut off yet would be sent more without end.
    (worker,) = program.children()
    wait_until(
        lambda: not established(worker.pid, address),
        timeout=3 * SOCKET_TIMEOUT + SLACK,
        message="all are cut off",
    )
    for client in clients:
        client.close()
    assert "Traceback" not in program.text()


def test_a_client_on_a_slow_line_is_served(program: Program, address: str) -> None:
    """What he takes in the time is far less than what the kernel would have to take from us."""
    with call(address) as client:
        client.sendall(b"GET /endless HTTP/1.1\r\nHost: localhost\r\n\r\n")
        until = time.monotonic() + 2.5 * SOCKET_TIMEOUT
        while time.monotonic() < until:
            assert client.recv(4096)
            time.sleep(0.5)  # this is what he does, and no wait for anything


def test_a_client_who_takes_too_little_is_cut_off(program: Program, address: str) -> None:
    """Something in each moment, but less than `LEAST_SPEED`."""
    (worker,) = program.children()
    with call(address) as client:
        client.sendall(b"GET /endless HTTP/1.1\r\nHost: localhost\r\n\r\n")

        def cut_off() -> bool:
            client.recv(8)  # every 20 ms
            return not established(worker.pid, address)

        wait_until(cut_off, timeout=4 * SPEED_WINDOW + SLACK, message="it is cut off")


def test_a_body_that_does_not_come_takes_no_thread(program: Program, address: str) -> None:
    head = b"POST /size HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n"
    clients = [call(address) for _ in range(2 * THREADS)]
    for client in clients:
        client.sendall(head + b"x")
    begun = time.monotonic()
    assert ask(address, "/size", "POST", b"x" * 1000) == (200, "1000")
    assert time.monotonic() - begun < BODY_TIMEOUT / 2
    for client in clients:
        client.settimeout(BODY_TIMEOUT + SLACK + STARTING)
        assert client.recv(4096).startswith(b"HTTP/1.1 408")
        client.close()


def test_a_body_that_is_too_large_is_refused(program: Program, address: str) -> None:
    assert ask(address, "/size", "POST", b"x" * BODY_BYTES) == (200, str(BODY_BYTES))
    head = b"POST /size HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
    with call(address) as client:
        client.sendall(head)
        with pytest.raises((BrokenPipeError, ConnectionResetError)):
            send_without_end(client)
    assert ask(address, "/thread")[0] == 200


def send_without_end(client: socket.socket) -> None:
    """Send one chunk of a body after another."""
    while True:
        client.sendall(b"%x\r\n%s\r\n" % (100_000, b"x" * 100_000))


def websocket(address: str, path: str = "/listen", origin: str | None = None) -> connect:
    """Open a WebSocket as a page of the web UI does; to be used by `with`."""
    return connect(
        f"ws://{address}{path}",
        origin=origin or f"http://{address}",
        proxy=None,
        open_timeout=STARTING,
        close_timeout=1,  # the server may be gone by then
    )


def closed_with(client: ClientConnection) -> int | None:
    """Wait for the end of a WebSocket and return its code."""
    with pytest.raises(ConnectionClosed):
        client.recv(timeout=GRACEFUL_TIMEOUT)
    return client.close_code


@pytest.mark.parametrize("ending", [signal.SIGHUP, signal.SIGTERM])
def test_open_websockets_hold_up_neither_a_reload_nor_a_stop(
    program: Program, address: str, ending: signal.Signals
) -> None:
    with ExitStack() as stack:
        clients = [stack.enter_context(websocket(address)) for _ in range(3)]
        for client in clients:
            client.send("wren")
            assert client.recv(timeout=STARTING) == "wren"
        stack.enter_context(websocket(address)).send("endless")
        begun = time.monotonic()
        program.send(ending)
        assert [closed_with(client) for client in clients] == [RESTARTED] * 3
        if ending == signal.SIGHUP:
            # It may come back at once: the socket listens all the time.
            with websocket(address) as client:
                client.send("wren")
                assert client.recv(timeout=STARTING) == "wren"
            program.wait_for_line("reloading(.|\n)*listening on")
            wait_until(lambda: len(program.children()) == 1, timeout=STOPPED, message="one worker")
        else:
            assert program.wait() == 0
            assert time.monotonic() - begun < GRACEFUL_TIMEOUT / 2 + SLACK
    assert "Traceback" not in program.text()


def test_a_websocket_whose_client_takes_nothing_is_cut_off(program: Program, address: str) -> None:
    before = memory(program)
    with call(address) as client:
        client.sendall(
            f"GET /listen HTTP/1.1\r\nHost: {address}\r\nOrigin: http://{address}\r\n"
            "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
        )
        assert client.recv(12) == b"HTTP/1.1 101"
        # The text "endless", masked with zeros.
        client.sendall(b"\x81\x87\0\0\0\0endless")
        (worker,) = program.children()
        wait_until(
            lambda: not established(worker.pid, address),
            timeout=3 * SOCKET_TIMEOUT + SLACK,
            message="the connection is closed",
        )
        assert memory(program) - before < MUCH
        wait_until_cut_off(client, within=STARTING)


def established(pid: int, address: str) -> bool:
    """Whether a process has a connection from a client."""
    port = int(address.split(":")[1])
    return any(
        link.status == psutil.CONN_ESTABLISHED and link.laddr.port == port
        for link in psutil.Process(pid).net_connections("tcp")
    )


@pytest.mark.parametrize(
    ("path", "origin"),
    [("/nowhere", None), ("/listen", "https://elsewhere.example"), ("/listen", "null")],
)
def test_a_websocket_that_has_no_business_here_is_refused(
    program: Program, address: str, path: str, origin: str | None
) -> None:
    with pytest.raises(InvalidStatus) as refused, websocket(address, path, origin):
        pass
    assert refused.value.response.status_code == 403
    assert "Traceback" not in program.text()


def test_workers_end_when_the_master_was_killed(program: Program, address: str) -> None:
    (worker,) = program.children()
    program.send(signal.SIGKILL)
    program.wait()
    wait_until(lambda: gone(worker.pid), timeout=GRACEFUL_TIMEOUT + SLACK, message="it ends")


def gone(pid: int) -> bool:
    """Whether a process, which became a child of this one, has ended."""
    return os.waitpid(pid, os.WNOHANG)[0] == pid
