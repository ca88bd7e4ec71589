"""The visitor who opened a WebSocket, and whether they may follow the birds.

Read from the database each time: while a WebSocket stays open, a session may end, a token expire,
and a permission be taken away.
"""

import enum
from collections.abc import Mapping
from importlib import import_module
from typing import Any, NamedTuple

from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.http.cookie import parse_cookie

from birdwatcher.accounts import rate_limit, tokens
from birdwatcher.accounts.access import User, may_read
from birdwatcher.accounts.askers import asker
from birdwatcher.accounts.sessions import session_key

Scope = Mapping[str, Any]


class Refusal(enum.IntEnum):
    """Why a visitor may not follow; the values are the codes with which a WebSocket is closed."""

    NOT_LOGGED_IN = 4401
    NOT_ALLOWED = 4403


class Visitor(NamedTuple):
    """The visitor who opened a WebSocket, as the API counts them: a token, a user, an address."""

    who: str
    rate: int  # requests that are allowed in a minute
    refusal: Refusal | None  # why the visitor may not follow

    def take_turn(self) -> bool:
        """Count a request, together with those to the API over HTTP; return False if too many.

        Raises django.db.Error.
        """
        return rate_limit.take(self.who, self.rate)


def visitor(scope: Scope) -> Visitor:
    """Return the user of the session, or the address. Raises django.db.Error."""
    request = _request(scope)
    store = import_module(settings.SESSION_ENGINE).SessionStore
    request.session = store(session_key(parse_cookie("; ".join(_headers(scope, b"cookie")))))
    request.user = get_user(request)
    return Visitor(*asker(request), _refusal(request.user))


def visitor_of_program(scope: Scope) -> Visitor:
    """Return the owner of the token in the Authorization header; without one, as `visitor`.

    With an invalid token, the visitor is refused. Raises django.db.Error.
    """
    headers = _headers(scope, b"authorization")
    if not headers:
        return visitor(scope)
    secret = tokens.bearer(headers[-1])
    token = tokens.authenticate(secret) if secret else None
    refusal = Refusal.NOT_LOGGED_IN
    if token:  # a device's only sends
        refusal = _refusal(token.user) if token.user else Refusal.NOT_ALLOWED
    return Visitor(*asker(_request(scope), token), refusal)


def _request(scope: Scope) -> HttpRequest:
    """Return a request without a user, from the same address."""
    request = HttpRequest()
    request.user = AnonymousUser()
    request.META["REMOTE_ADDR"] = (scope.get("client") or ("",))[0]
    request.META["HTTP_X_FORWARDED_FOR"] = ",".join(_headers(scope, b"x-forwarded-for"))
    return request


def _refusal(user: User) -> Refusal | None:
    if may_read(user):
        return None
    return Refusal.NOT_ALLOWED if user.is_authenticated else Refusal.NOT_LOGGED_IN


def _headers(scope: Scope, wanted: bytes) -> list[str]:
    return [value.decode("latin1") for name, value in scope["headers"] if name == wanted]
