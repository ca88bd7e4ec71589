"""Which pages may open WebSockets: a browser sends its user's cookies along with any of them."""

from __future__ import annotations

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
    """Refuses pages of elsewhere; programs, which are no browsers, send no origin.

    A browser cannot leave it out, so without one nobody's cookies are misused. Which pages are ours
    is decided as Django does for forms: those of the very scheme, host and port that are called,
    since cookies know no ports and others may serve theirs on another one; and of the trusted.
    """

    def __init__(self, application: Any, trusted: Iterable[str]) -> None:
        """`trusted`: origins, in the form of CSRF_TRUSTED_ORIGINS."""
        # A host and all below it begins with a point here, and with a star there.
        super().__init__(application, [origin.replace("://*.", "://.") for origin in trusted])

    async def __call__(self, scope: Any, receive: Any, send: Any) -> Any:
        """Pass a connection on, or refuse it."""
        origins = [value.decode("latin1") for name, value in scope["headers"] if name == b"origin"]
        is_program = scope["path"].startswith(PROGRAMS) and not origins
        if is_program or origins[-1:] == [_own(scope)]:
            return await self.application(scope, receive, send)
        return await super().__call__(scope, receive, send)

    def valid_origin(self, parsed_origin: ParseResult | None) -> bool:
        """Whether a page of elsewhere is trusted."""
        return parsed_origin is not None and bool(self.validate_origin(parsed_origin))


def _own(scope: Any) -> str | None:
    """Return the origin of our pages, as whoever opens this connection calls us; None if we are
    not called so."""
    scheme = SECURE.get(scope.get("scheme", "ws"))
    request = ASGIRequest({**scope, "method": "GET", "scheme": scheme}, io.BytesIO())
    try:
        return f"{request.scheme}://{request.get_host()}"
    except DisallowedHost:
        return None
