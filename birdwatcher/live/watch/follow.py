"""Following the birds of a web UI across every interruption, and missing none."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
from websockets.exceptions import (
    ConnectionClosed,
    InvalidHandshake,
    InvalidStatus,
    InvalidURI,
    WebSocketException,
)
from websockets.sync.client import ClientConnection, connect

from birdwatcher.live.watch.request import TOKEN, Request, WatchError
from nodeproc.backoff import Backoff

# Closed with these, it would be closed with them again.
NONSENSE, STRANGER, FORBIDDEN = 4400, 4401, 4403
RESTART = 1012
SILENCE = 45.0  # seconds, of several heartbeats, after which nobody is thought to be there
LONGEST_MESSAGE = 16 * 1024 * 1024  # bytes
NO_TOKEN = (
    "The web UI asks for a token: have one made in the admin, and give it in a file "
    f"(--token-file) or as {TOKEN}."
)
BAD_TOKEN = "The web UI does not accept this token: it is wrong, has expired or was revoked."  # noqa: S105
NO_API = "{url} answers, but not as a web UI of Birdwatcher does (HTTP status {status})."


class Watch:
    """One course of following, from `since` on: the key of the last bird that was seen."""

    def __init__(
        self,
        request: Request,
        since: int | None,
        say: Callable[[str], None],
        backoff: Backoff | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """`say` is called with what happens to the connection, a sentence each time."""
        self._request = request
        self._since = since
        self._deletions: str | None = None
        self._say = say
        self._backoff = backoff or Backoff(base=0.5, cap=30.0, stable=10.0)
        self._sleep = sleep
        self._came = False  # ever

    def messages(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield each message, as it is and read, without end. Raises WatchError."""
        while True:
            try:
                with self._connect() as socket:
                    self._came = True
                    self._backoff.succeeded()
                    yield from self._read(socket)
            except (OSError, WebSocketException) as error:
                why = self._judge(error)
            pause = self._backoff.failed()
            self._say(f"{why}; trying again in {pause:.1f} s")
            self._sleep(pause)

    def _connect(self) -> ClientConnection:
        token = self._request.token
        return connect(
            self._request.address(self._since, self._deletions),
            additional_headers={"Authorization": f"Bearer {token}"} if token else {},
            proxy=None if self._request.is_local else True,
            max_size=LONGEST_MESSAGE,
            close_timeout=1,
        )

    def _read(self, socket: ClientConnection) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield the messages of one connection. Raises OSError, WebSocketException, WatchError."""
        following = False
        while True:
            text = socket.recv(SILENCE, decode=True)
            try:
                said = msgspec.json.decode(text, type=dict[str, Any])
            except msgspec.DecodeError:
                raise WatchError(f"{self._request.url} tells what nobody can read.") from None
            yield text, said
            # Only now: if it was not taken, it is told again.
            self._note(said)
            if not following and said.get("type") == "heartbeat":
                following = True
                self._say(f"Following the birds of {self._request.url}")

    def _note(self, said: dict[str, Any]) -> None:
        """Remember how far we were told."""
        if said.get("type") == "birds":
            self._since = said["birds"][-1]["id"]
        elif said.get("type") == "heartbeat":
            self._since, self._deletions = said["latest"], said["deletions"]

    def _judge(self, error: Exception) -> str:
        """Return why the connection ended, or did not come about. Raises WatchError."""
        if isinstance(error, ConnectionClosed):
            return self._judge_end(error)
        if isinstance(error, InvalidStatus) and error.response.status_code < 500:
            status = error.response.status_code
            raise WatchError(NO_API.format(url=self._request.url, status=status)) from None
        if isinstance(error, InvalidURI):
            raise WatchError(f"{self._request.url} is no address of a web UI.") from None
        why = f"{self._request.url} cannot be reached: {_words(error)}"
        if not self._came:
            raise WatchError(f"{why}. Is the web UI running there?") from None
        return why

    def _judge_end(self, closed: ConnectionClosed) -> str:
        code, reason = (closed.rcvd.code, closed.rcvd.reason) if closed.rcvd else (0, "")
        if code == STRANGER:
            raise WatchError(BAD_TOKEN if self._request.token else NO_TOKEN) from None
        if code in {NONSENSE, FORBIDDEN}:
            raise WatchError(reason or "The web UI refuses.") from None
        reason = reason.rstrip(".") or ("the web UI restarts" if code == RESTART else "")
        return f"The connection has ended ({reason or 'without a word'})"


def _words(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no answer"
    if isinstance(error, InvalidHandshake):
        return "it does not answer as a web UI does"
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__).lower()
