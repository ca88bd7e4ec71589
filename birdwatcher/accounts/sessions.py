"""The session that a browser names, if what it names can be one at all."""

from __future__ import annotations

import re
from collections.abc import Mapping

from django.conf import settings
from django.contrib.sessions import middleware
from django.http import HttpRequest

# Of the letters that Django draws, and as long as there is room for in the table.
KEY = re.compile(r"[a-z0-9]{1,40}")


def session_key(cookies: Mapping[str, str]) -> str | None:
    """Return the key of the session among `cookies`, None if there is none or it cannot be one.

    A cookie may hold anything, by an escape also the character NUL, of which PostgreSQL will hear
    nothing, not even that nobody has such a session.
    """
    key = cookies.get(settings.SESSION_COOKIE_NAME, "")
    return key if KEY.fullmatch(key) else None


class SessionMiddleware(middleware.SessionMiddleware):
    """Django's, but a cookie that cannot name a session names none."""

    def process_request(self, request: HttpRequest) -> None:
        """Give `request` its session."""
        request.session = self.SessionStore(session_key(request.COOKIES))
