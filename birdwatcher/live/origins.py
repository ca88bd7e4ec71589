"""Which pages may open WebSockets: a browser sends its user's cookies with every one of them."""

import io
from collections.abc import Iterable
from typing import Any
from urllib.parse import ParseResult

from channels.security.websocket import OriginValidator  # type: ignore[import-untyped]
from django.core.exceptions import DisallowedHost
from django.core.handlers.asgi import ASGIRequest

PROGRAMS = "/api/"
SECURE = {"ws": "http", "wss": "https"}


class Origins(OriginValidator):  # type: ignore[misc]
    """Refuses pages of other sites; programs are no browsers and send no origin.

    A browser always sends one, so a connection without it misuses no cookies. As Django does for
    forms, this accepts pages of the same scheme, host and port as the WebSocket (cookies ignore the
    port, and another site may listen on another one), and the trusted origins.
    """

    def __init__(self, application: Any, trusted: Iterable[str]) -> None:
        """`trusted`: origins, in the form of CSRF_TRUSTED_ORIGINS."""
        # "A host and all its subdomains" begins with a point here, and with a star in Django.
        super().__init__(application, [origin.replace("://*.", "://.") for origin in trusted])

    async def __call__(self, scope: Any, receive: Any, send: Any) -> Any:
        """Pass a connection on, or refuse it."""
        origins = [value.decode("latin1") for name, value in scope["headers"] if name == b"origin"]
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        is_program = path.startswith(PROGRAMS) and not origins
        if is_program or origins[-1:] == [_own(scope)]:
            return await self.application(scope, receive, send)
        return await super().__call__(scope, receive, send)

    def valid_origin(self, parsed_origin: ParseResult | None) -> bool:
        """Whether a page of another site is trusted."""
        return parsed_origin is not None and bool(self.validate_origin(parsed_origin))


def _own(scope: Any) -> str | None:
    """Return the origin of our own pages, by the host that this connection asks for; None if that
    host is not ours."""
    scheme = SECURE.get(scope.get("scheme", "ws"))
    request = ASGIRequest({**scope, "method": "GET", "scheme": scheme}, io.BytesIO())
    try:
        return f"{request.scheme}://{request.get_host()}"
    except DisallowedHost:
        return None
