"""Who opened a WebSocket, and whether they may follow the birds."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user
from django.http import HttpRequest
from django.http.cookie import parse_cookie

from birdwatcher.accounts.access import may_read


class Refusal(enum.IntEnum):
    """Why somebody may not follow; the values are the codes with which a WebSocket is closed."""

    NOT_LOGGED_IN = 4401
    NOT_ALLOWED = 4403


def session_key(scope: Mapping[str, Any]) -> str | None:
    """Return the key of the session to which the cookies of an ASGI connection belong."""
    lines = [value.decode("latin1") for name, value in scope["headers"] if name == b"cookie"]
    return parse_cookie("; ".join(lines)).get(settings.SESSION_COOKIE_NAME)


def refusal(key: str | None) -> Refusal | None:
    """Return why whoever has the session `key` may not follow, or None.

    It is read from the database as it is now: a session may end, and a permission be taken away,
    while a page stays open. Raises django.db.Error.
    """
    request = HttpRequest()
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(key)
    user = get_user(request)
    if may_read(user):
        return None
    return Refusal.NOT_ALLOWED if user.is_authenticated else Refusal.NOT_LOGGED_IN
