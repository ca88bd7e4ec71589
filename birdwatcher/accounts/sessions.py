"""Sessions by their cookie, whose value may be anything; and the end of old ones.

Only a log-in makes a session, so each log-in removes some that expired: more than it makes. That
needs no process that remembers to do so, and costs a log-in little.
"""

import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from django.conf import settings
from django.contrib.auth.signals import user_logged_in
from django.contrib.sessions import middleware
from django.contrib.sessions.models import Session
from django.db import OperationalError
from django.dispatch import receiver
from django.http import HttpRequest
from django.utils import timezone

from birdwatcher.common.database import engine

TIDIED = 500  # expired sessions that are removed with each log-in

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


@receiver(user_logged_in, dispatch_uid="birdwatcher.accounts.sessions")
def tidy(**_: Any) -> None:
    """Remove some expired sessions; if the database is busy, the next log-in does."""
    old = Session.objects.filter(expire_date__lt=timezone.now()).order_by("expire_date")
    with suppress(OperationalError), engine().briefly():
        keys = list(old.values_list("pk", flat=True)[:TIDIED])
        Session.objects.filter(pk__in=keys).delete()
