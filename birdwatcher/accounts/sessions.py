"""Sessions by their cookie, whose value may be anything."""

import re
from collections.abc import Mapping

from django.conf import settings
from django.contrib.sessions import middleware
from django.http import HttpRequest

# The characters that Django uses, at most as many as the column holds.
KEY = re.compile(r"[a-z0-9]{1,40}")


def session_key(cookies: Mapping[str, str]) -> str | None:
    """Return the key of the session in `cookies`; None if it is missing or impossible.

    A cookie may hold anything, escaped also the character NUL, for which PostgreSQL refuses even
    to search.
    """
    key = cookies.get(settings.SESSION_COOKIE_NAME, "")
    return key if KEY.fullmatch(key) else None


class SessionMiddleware(middleware.SessionMiddleware):
    """Django's middleware, but an impossible cookie counts as no cookie."""

    def process_request(self, request: HttpRequest) -> None:
        """Set `request.session`."""
        request.session = self.SessionStore(session_key(request.COOKIES))
