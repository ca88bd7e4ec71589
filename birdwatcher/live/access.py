"""Who opened a WebSocket, and whether they may follow the birds.

It is read from the database as it is now: a session may end, a token expire, and a permission be
taken away, while a WebSocket stays open.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user
from django.http import HttpRequest
from django.http.cookie import parse_cookie

from birdwatcher.accounts.access import User, may_read
from birdwatcher.api import tokens

Scope = Mapping[str, Any]


class Refusal(enum.IntEnum):
    """Why somebody may not follow; the values are the codes with which a WebSocket is closed."""

    NOT_LOGGED_IN = 4401
    NOT_ALLOWED = 4403


def session_key(scope: Scope) -> str | None:
    """Return the key of the session to which the cookies of an ASGI connection belong."""
    lines = _headers(scope, b"cookie")
    return parse_cookie("; ".join(lines)).get(settings.SESSION_COOKIE_NAME)


def refusal(key: str | None) -> Refusal | None:
    """Return why whoever has the session `key` may not follow, or None. Raises django.db.Error."""
    request = HttpRequest()
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(key)
    return _of(get_user(request))


def refusal_of_program(scope: Scope) -> Refusal | None:
    """Return why whoever opened an ASGI connection may not follow, or None.

    By the token in its Authorization header, which must be good then; without that header, by the
    session, or because everybody may. Raises django.db.Error.
    """
    headers = _headers(scope, b"authorization")
    if not headers:
        return refusal(session_key(scope))
    secret = tokens.bearer(headers[-1])
    token = tokens.authenticate(secret) if secret else None
    return _of(token.user) if token else Refusal.NOT_LOGGED_IN


def _of(user: User) -> Refusal | None:
    if may_read(user):
        return None
    return Refusal.NOT_ALLOWED if user.is_authenticated else Refusal.NOT_LOGGED_IN


def _headers(scope: Scope, wanted: bytes) -> list[str]:
    return [value.decode("latin1") for name, value in scope["headers"] if name == wanted]
