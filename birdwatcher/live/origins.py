"""Which pages may open WebSockets: a browser sends its user's cookies along with any of them."""

from __future__ import annotations

from typing import Any

from channels.security.websocket import OriginValidator  # type: ignore[import-untyped]

PROGRAMS = "/api/"


class Origins(OriginValidator):  # type: ignore[misc]
    """Refuses pages of elsewhere; programs, which are no browsers, send no origin.

    A browser cannot leave it out, so without one nobody's cookies are misused.
    """

    async def __call__(self, scope: Any, receive: Any, send: Any) -> Any:
        """Pass a connection on, or refuse it."""
        has_origin = any(name == b"origin" for name, _ in scope["headers"])
        if scope["path"].startswith(PROGRAMS) and not has_origin:
            return await self.application(scope, receive, send)
        return await super().__call__(scope, receive, send)
