"""The web UI under a path that a proxy shares with other programs (BIRDWATCHER_PATH_PREFIX)."""

from http import HTTPStatus

from birdwatcher.server.handler import Application, Message, Receive, Send, answer_plainly

OUTSIDE = (
    "404 Not Found: BIRDWATCHER_PATH_PREFIX is {prefix}, so every path begins with {prefix}/. "
    "If this one did, the proxy must pass it on unchanged.\n"
)


class Prefixed:
    """Passes on what is asked for under `prefix`, and answers everything else itself."""

    def __init__(self, application: Application, prefix: str) -> None:
        """`prefix`: without a `/` at its end; empty for the root."""
        self._application, self._prefix = application, prefix

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request, or serve one WebSocket."""
        path = scope["path"]
        if path.startswith(f"{self._prefix}/"):
            # Django and Channels leave it out where they compare paths with those of the project.
            scope = {**scope, "root_path": self._prefix}
            return await self._application(scope, receive, send)
        if scope["type"] == "websocket":
            return await refuse(scope, receive, send)
        if path == self._prefix:
            place = [(b"location", f"{self._prefix}/".encode())]
            return await answer_plainly(send, HTTPStatus.MOVED_PERMANENTLY, "", place)
        text = OUTSIDE.format(prefix=self._prefix)
        return await answer_plainly(send, HTTPStatus.NOT_FOUND, text)


async def refuse(_scope: Message, receive: Receive, send: Send) -> None:
    """Refuse a WebSocket at a path where there is none."""
    await receive()
    await send({"type": "websocket.close"})
