"""A page that follows the birds, without the browser."""

import contextlib
import json
import socket
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from django.contrib.auth.models import Permission, User
from django.test import Client
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from tests.support.waiting import SLACK, STARTING, DeadlineMissedError


def log_in(name: str = "viewer", *, may_read: bool = True) -> Client:
    """Make a user who may see birds, or may not; return a test client in which it is logged in."""
    client = Client()
    client.force_login(make_user(name, may_read=may_read))
    return client


def make_user(name: str, *, may_read: bool = True) -> User:
    """Make a user who may see birds, or may not."""
    user = User.objects.create_user(name)
    if may_read:
        user.user_permissions.add(Permission.objects.get(codename="view_bird"))
    return user


def cookie_of(client: Client) -> str:
    """Return the header that belongs to whoever is logged in in `client`."""
    return f"sessionid={client.cookies['sessionid'].value}"


class Follower:
    """One WebSocket to /live/birds, and what was told on it."""

    path = "/live/birds"

    def __init__(
        self,
        address: str,
        *,
        cookie: str = "",
        query: str = "",
        origin: str | None = "",
        **options: Any,
    ) -> None:
        """`address` is host and port; `query` begins with a question mark.

        `origin`: the server's own if it is empty, None for none.
        """
        self._open = contextlib.ExitStack()
        asking: dict[str, Any] = {
            "origin": f"http://{address}" if origin == "" else origin,
            "additional_headers": {"Cookie": cookie} if cookie else {},
            "open_timeout": STARTING,
            **options,
        }
        opening = connect(
            f"ws://{address}{self.path}{query}",
            # No proxy of the machine's stands between the test and 127.0.0.1.
            proxy=None,
            **asking,
        )
        self._socket = self._open.enter_context(opening)
        self.messages: list[dict[str, Any]] = []
        self._count = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open.close()

    def tear(self) -> None:
        """End it as a network does that fails: without a word."""
        self._socket.socket.shutdown(socket.SHUT_RDWR)

    def say(self, what: str | bytes) -> None:
        """Send a message to the server."""
        self._socket.send(what)

    @property
    def birds(self) -> list[dict[str, Any]]:
        """All birds that were told, in their order."""
        return [bird for said in self.of("birds") for bird in said["birds"]]

    @property
    def ids(self) -> list[int]:
        """Their ids."""
        return [bird["id"] for bird in self.birds]

    @property
    def seen(self) -> int:
        """The id with which a page would come again."""
        latest = [said["latest"] for said in self.of("heartbeat")]
        return max([*self.ids, *latest], default=0)

    def of(self, kind: str) -> list[dict[str, Any]]:
        """Return the messages of one kind."""
        return [said for said in self.messages if said["type"] == kind]

    def read_until(self, condition: Callable[[], object], timeout: float = STARTING) -> None:
        """Read messages until `condition` holds. Raises ConnectionClosed, DeadlineMissedError."""
        deadline = time.monotonic() + timeout
        while not condition():
            try:
                text = self._socket.recv(max(deadline - time.monotonic(), 0.0))
            except TimeoutError:
                last = self.messages[-3:]
                raise DeadlineMissedError(f"not within {timeout:g} s; told last: {last}") from None
            said = json.loads(text)
            self._count += len(said.get("birds", ()))
            self.messages.append(said)

    def read(self, kind: str, count: int = 1, timeout: float = STARTING) -> None:
        """Read until there are so many messages of a kind."""
        self.read_until(lambda: len(self.of(kind)) >= count, timeout)

    def read_birds(self, count: int, timeout: float = STARTING) -> None:
        """Read until so many birds were told."""
        self.read_until(lambda: self._count >= count, timeout)

    def closed_with(self, timeout: float = STARTING) -> int:
        """Read to the end and return the code with which the server closed."""
        return self.closed(timeout)[0]

    def closed(self, timeout: float = STARTING) -> tuple[int, str]:
        """Read to the end and return the code and the reason with which the server closed."""
        try:
            self.read_until(lambda: False, timeout + SLACK)
        except ConnectionClosed as closed:
            return (closed.rcvd.code, closed.rcvd.reason) if closed.rcvd else (1006, "")
        raise AssertionError("unreachable")


class ProgramFollower(Follower):
    """One WebSocket to /api/v1/live, of a program that has a token."""

    path = "/api/v1/live"

    def __init__(self, address: str, *, token: str, query: str = "", **options: Any) -> None:
        """`token` is a secret."""
        headers = {"Authorization": f"Bearer {token}"}
        asking = {"origin": None, "additional_headers": headers, **options}
        super().__init__(address, query=query, **asking)

    @property
    def deleted(self) -> list[int]:
        """The ids of the birds that were told to be deleted, in that order."""
        return [key for said in self.of("deleted") for key in said["ids"]]

    @property
    def resume(self) -> str:
        """The query with which a program would come again."""
        beat = self.of("heartbeat")[-1]
        return f"?since={self.seen}&deleted_since={beat['deletions']}"
