"""Follows the birds of a web UI across interruptions, and misses none."""

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

# Close codes after which it is of no use to reconnect.
BAD_QUERY, NOT_LOGGED_IN, NOT_ALLOWED = 4400, 4401, 4403
RESTART = 1012
SILENCE = 45.0  # seconds, of several heartbeats, after which the server is taken for dead
LONGEST_MESSAGE = 16 * 1024 * 1024  # bytes
NO_TOKEN = (
    "The web UI asks for a token: create one in the admin, and pass it in a file "
    f"(--token-file) or as {TOKEN}."
)
BAD_TOKEN = "The web UI does not accept this token: it is wrong, has expired or was revoked."  # noqa: S105
NO_MESSAGE = "{url} sends something that is no message of Birdwatcher."
NO_API = "{url} answers, but not as a web UI of Birdwatcher does (HTTP status {status})."


class Watch:
    """Follows from `since` on: the key of the last bird that was seen."""

    def __init__(
        self,
        request: Request,
        since: int | None,
        say: Callable[[str], None],
        backoff: Backoff | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """`say` is called with a sentence each time that something happens to the connection."""
        self._request = request
        self._since = since
        self._deletions: str | None = None
        self._say = say
        self._backoff = backoff or Backoff(base=0.5, cap=30.0, stable=10.0)
        self._sleep = sleep
        self._connected_once = False

    def messages(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield each message, as text and parsed, without end. Raises WatchError."""
        while True:
            try:
                with self._connect() as socket:
                    self._connected_once = True
                    self._backoff.succeeded()
                    yield from self._read(socket)
            except (OSError, WebSocketException) as error:
                why = self._reason(error)
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
                message = msgspec.json.decode(text, type=dict[str, Any])
            except msgspec.DecodeError:
                raise WatchError(NO_MESSAGE.format(url=self._request.url)) from None
            yield text, message
            # Only now: a message that the caller could not take is sent again.
            self._note(message)
            if not following and message.get("type") == "heartbeat":
                following = True
                self._say(f"Following the birds of {self._request.url}")

    def _note(self, message: dict[str, Any]) -> None:
        """Remember with what to reconnect."""
        if message.get("type") == "birds":
            self._since = message["birds"][-1]["id"]
        elif message.get("type") == "heartbeat":
            self._since, self._deletions = message["latest"], message["deletions"]

    def _reason(self, error: Exception) -> str:
        """Return why the connection ended or failed. Raises WatchError if it always will."""
        if isinstance(error, ConnectionClosed):
            return self._close_reason(error)
        if isinstance(error, InvalidStatus) and error.response.status_code < 500:
            status = error.response.status_code
            raise WatchError(NO_API.format(url=self._request.url, status=status)) from None
        if isinstance(error, InvalidURI):
            raise WatchError(f"{self._request.url} is no address of a web UI.") from None
        why = f"{self._request.url} cannot be reached: {_words(error)}"
        if not self._connected_once:
            raise WatchError(f"{why}. Is the web UI running there?") from None
        return why

    def _close_reason(self, closed: ConnectionClosed) -> str:
        code, reason = (closed.rcvd.code, closed.rcvd.reason) if closed.rcvd else (0, "")
        if code == NOT_LOGGED_IN:
            raise WatchError(BAD_TOKEN if self._request.token else NO_TOKEN) from None
        if code in {BAD_QUERY, NOT_ALLOWED}:
            raise WatchError(reason or "The web UI refuses the connection.") from None
        reason = reason.rstrip(".") or ("the web UI restarts" if code == RESTART else "")
        return f"The connection has ended ({reason or 'no reason given'})"


def _words(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no answer"
    if isinstance(error, InvalidHandshake):
        return "it does not answer as a web UI does"
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__).lower()
