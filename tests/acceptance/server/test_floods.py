"""Floods from one address, while an honest client at another one is served as always."""

import contextlib
import http.client
import socket
import time
from collections.abc import Iterator

import pytest

from birdwatcher.common.limits import CONNECTIONS_OF_EACH, REQUESTS_OF_EACH
from tests.support.databases import Database
from tests.support.flock import make_flock
from tests.support.ports import PortBlock
from tests.support.processes import Processes, Program
from tests.support.waiting import SLACK, STARTING, Promise

pytestmark = pytest.mark.xdist_group("floods")

HONEST, FLOOD = "127.0.0.1", "127.0.0.{}"
PAGES = ("/", "/nodes/", "/birds/", "/species/")
HALF = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-"
WHOLE = b"GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


@pytest.fixture
def port(ports: PortBlock) -> int:
    """Where the web UI listens."""
    return ports.take()


@pytest.fixture
def program(processes: Processes, database: Database, port: int) -> Program:
    """The web UI with one worker, for everybody."""
    make_flock(seed=1, count=2000)
    env = database.env | {"BIRDWATCHER_WEB_WORKERS": "1", "BIRDWATCHER_PUBLIC": "1"}
    program = processes.manage("serve", f"127.0.0.1:{port}", env=env)
    program.wait_for_line(r"web: listening on http://")
    for page in PAGES:
        look_at(port, page)
    return program


def look_at(port: int, page: str) -> bytes:
    """Look at a page as an honest client, on a new connection."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=STARTING)
    try:
        connection.request("GET", page)
        response = connection.getresponse()
        assert response.status == 200, (page, response.status)
        return response.read()
    finally:
        connection.close()


def look_in_time(promise: Promise, port: int, page: str, what: str) -> None:
    """Look at a page, which must not take longer than is promised."""
    begun = time.monotonic()
    promise(what, lambda: look_at(port, page))
    assert time.monotonic() - begun < 1 + SLACK


class Flood:
    """Many connections from few addresses, which stay open."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._sockets: list[socket.socket] = []

    def send(self, number: int, data: bytes, addresses: int = 1) -> None:
        """Open so many connections, and send the same on each."""
        for each in range(number):
            connection = socket.socket()
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.settimeout(STARTING)
            connection.bind((FLOOD.format(2 + each % addresses), 0))
            self._sockets.append(connection)
            with contextlib.suppress(ConnectionError):
                connection.connect(("127.0.0.1", self._port))
                connection.sendall(data)

    def trickle(self, data: bytes) -> None:
        """Send some more on each that is still open."""
        for connection in self._sockets:
            with contextlib.suppress(OSError):
                connection.sendall(data)

    def close(self) -> None:
        """Close all."""
        for connection in self._sockets:
            connection.close()


@pytest.fixture
def flood(port: int) -> Iterator[Flood]:
    """A flood, not yet begun."""
    flood = Flood(port)
    yield flood
    flood.close()


@pytest.mark.parametrize(
    ("number", "data"),
    [
        (CONNECTIONS_OF_EACH + 100, HALF),
        (2 * REQUESTS_OF_EACH, WHOLE % b"/"),
        (2 * REQUESTS_OF_EACH, WHOLE % b"/birds/export/?format=csv"),
        (2 * REQUESTS_OF_EACH, WHOLE % b"/nothing-here"),
        (REQUESTS_OF_EACH, b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\n\r\nx"),
    ],
    ids=["half", "pages", "exports", "missing", "bodies"],
)
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_flood_from_one_address(
    program: Program, port: int, flood: Flood, promise: Promise, number: int, data: bytes
) -> None:
    flood.send(number, data)
    for page in PAGES:
        flood.trickle(b"a")
        look_in_time(promise, port, page, "a page beside a flood from one address")
    assert program.text().count("Not Found") <= 3
    assert "Traceback" not in program.text()


def test_slow_readers_leave_places_for_exports_and_threads_for_pages(
    database: Database, program: Program, port: int, flood: Flood, promise: Promise
) -> None:
    """They read nothing, so what waits for them is more than the kernel takes."""
    flood.send(16, WHOLE % b"/birds/export/?format=csv", addresses=3)
    flood.send(16, WHOLE % b"/api/v1/schema/", addresses=3)
    for page in (*PAGES, "/birds/export/?format=jsonl"):
        look_in_time(promise, port, page, "a page beside slow readers")
