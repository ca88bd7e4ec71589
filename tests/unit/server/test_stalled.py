"""Which connections are cut off because nothing goes on."""

import socket
from collections.abc import Iterator
from typing import Any

import pytest
from uvicorn.protocols.http.h11_impl import H11Protocol

from birdwatcher.common.limits import LEAST_SPEED, SOCKET_TIMEOUT, SPEED_WINDOW
from birdwatcher.server.stalled import Stalled


class Transport:
    """A transport with `unsent` bytes, before a socket that nobody reads."""

    def __init__(self) -> None:
        self.pair = socket.socketpair()
        self.unsent = 0
        self.aborted = False

    def get_write_buffer_size(self) -> int:
        """Return the bytes that the kernel has not taken."""
        return self.unsent

    def get_extra_info(self, name: str) -> socket.socket:
        """Return the socket."""
        assert name == "socket"
        return self.pair[0]

    def abort(self) -> None:
        """Note that the connection was cut off."""
        self.aborted = True


class Http(H11Protocol):
    """A connection with pages, as far as it matters here."""

    def __init__(self) -> None:
        self.transport: Any = Transport()
        self.cycle: Any = None
        self.timeout_keep_alive_task = None


class Cycle:
    """A request and its answer."""

    def __init__(self, *, response_complete: bool) -> None:
        self.response_complete = response_complete


class Looks:
    """Looks at one connection, with a clock of its own."""

    def __init__(self, connection: Http) -> None:
        self.now = 0.0
        self._connection = connection
        self._stalled = Stalled(lambda: self.now)

    def pass_seconds(self, seconds: float) -> bool:
        """Look once a second; return whether the connection was cut off."""
        for _ in range(int(seconds)):
            self._stalled.abort([self._connection])
            self.now += 1
        self._stalled.abort([self._connection])
        return bool(self._connection.transport.aborted)


@pytest.fixture
def http() -> Iterator[Http]:
    """A connection on which nothing was sent yet."""
    connection = Http()
    yield connection
    for end in connection.transport.pair:
        end.close()


def test_a_head_must_come_in_time(http: Http) -> None:
    looks = Looks(http)
    assert not looks.pass_seconds(SOCKET_TIMEOUT - 1)
    assert looks.pass_seconds(1)


def test_each_head_has_its_own_time(http: Http) -> None:
    looks = Looks(http)
    for _ in range(5):
        http.cycle = Cycle(response_complete=True)
        assert not looks.pass_seconds(SOCKET_TIMEOUT - 2)


@pytest.mark.parametrize("complete", [True, False])
def test_nothing_is_awaited_of_a_client_who_waits(http: Http, complete: bool) -> None:
    """An answer is being made, or uvicorn itself bounds the time until the next request."""
    http.cycle = Cycle(response_complete=complete)
    http.timeout_keep_alive_task = object() if complete else None
    assert not Looks(http).pass_seconds(10 * SOCKET_TIMEOUT)


def test_an_answer_must_be_taken_in_time(http: Http) -> None:
    http.cycle = Cycle(response_complete=False)
    http.transport.unsent = 100_000
    looks = Looks(http)
    assert not looks.pass_seconds(SOCKET_TIMEOUT - 1)
    http.transport.unsent = 0
    assert not looks.pass_seconds(1)
    http.transport.unsent = 100_000
    assert looks.pass_seconds(SOCKET_TIMEOUT)


def test_a_client_who_takes_a_little_is_served(http: Http) -> None:
    """The client takes from the kernel, which takes nothing more from us for a while."""
    ours, theirs = http.transport.pair
    http.cycle = Cycle(response_complete=False)
    http.transport.unsent = 100_000
    looks = Looks(http)
    for _ in range(3):
        ours.send(b"x" * 1000)
    for _ in range(3):
        assert not looks.pass_seconds(SOCKET_TIMEOUT - 1)
        assert theirs.recv(1000)
    assert not looks.pass_seconds(SOCKET_TIMEOUT - 1)
    assert looks.pass_seconds(2)


@pytest.mark.parametrize(("speed", "cut"), [(LEAST_SPEED // 4, True), (2 * LEAST_SPEED, False)])
def test_a_client_must_not_be_too_slow(http: Http, speed: int, cut: bool) -> None:
    """What its kernel has acknowledged counts, so the first window may be filled at once."""
    listener = socket.create_server(("127.0.0.1", 0))
    with listener, socket.create_connection(listener.getsockname()) as theirs:
        ours, _ = listener.accept()
        for end in http.transport.pair:
            end.close()
        http.transport.pair = (ours, theirs)
        http.cycle = Cycle(response_complete=False)
        http.transport.unsent = 100_000
        looks = Looks(http)
        for _ in range(2 * SPEED_WINDOW + 1):
            ours.sendall(b"x" * speed)
            received = 0
            while received < speed:
                received += len(theirs.recv(speed))
            if looks.pass_seconds(1):
                break
        assert http.transport.aborted is cut


def test_a_client_who_has_caught_up_is_measured_anew(http: Http) -> None:
    http.cycle = Cycle(response_complete=False)
    looks = Looks(http)
    for _ in range(3):
        http.transport.unsent = 100_000
        assert not looks.pass_seconds(SOCKET_TIMEOUT - 1)
        http.transport.unsent = 0
        assert not looks.pass_seconds(1)
