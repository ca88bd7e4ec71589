"""Bounds on guessing one person's password from many addresses, or in a session that is not theirs.

The lockout counts by address (see `lockout`), so many addresses together would guess without end.
Here the attempts for one name count together, but only those of browsers in which that person has
never logged in: such a browser has a signed cookie, as in OWASP's "device cookies". So strangers
slow each other down, and no one locks a person out of the browsers that they use. Nothing is
delayed: a request that waits would hold one of the few threads.
"""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.auth.signals import user_logged_in
from django.core.exceptions import ValidationError
from django.core.signing import BadSignature
from django.dispatch import receiver
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.crypto import salted_hmac

from birdwatcher.accounts import rate_limit

COOKIE = "known"
SALT = "birdwatcher.accounts.guessing"
KNOWN_FOR = 180 * 24 * 3600  # seconds
# Attempts a minute for one name, of all unknown browsers together; more than one address has.
STRANGERS = 12
OLD_PASSWORDS = 6  # attempts a minute of one user
SLOWER = "Too many attempts for this account: wait for a minute, then try again."


def check_stranger(request: HttpRequest, name: str) -> None:
    """Raise ValidationError if browsers that `name` has not used try too often; django.db.Error."""
    mark = _mark(name)
    if not _knows(request, mark) and not rate_limit.take(f"log-in {mark}", STRANGERS):
        raise ValidationError(SLOWER, "slower")


def check_old_password(user: User) -> None:
    """Raise ValidationError if the old password is tried too often; django.db.Error."""
    if not rate_limit.take(f"old password {user.pk}", OLD_PASSWORDS):
        raise ValidationError(SLOWER, "slower")


@receiver(user_logged_in, dispatch_uid="birdwatcher.accounts.guessing")
def _note_log_in(request: Any, user: User, **_: Any) -> None:
    if request is not None:
        request.known_to = user.get_username()


class KnownBrowserMiddleware:
    """Give a browser the cookie after a log-in. It knows one person, the last."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer `request`."""
        response = self._get_response(request)
        name = getattr(request, "known_to", None)
        if name is not None:
            response.set_signed_cookie(
                COOKIE,
                _mark(name),
                salt=SALT,
                max_age=KNOWN_FOR,
                path=settings.ROOT,
                secure=request.is_secure(),
                httponly=True,
                samesite="Lax",
            )
        return response


def _knows(request: HttpRequest, mark: str) -> bool:
    try:
        return request.get_signed_cookie(COOKIE, "", SALT, max_age=KNOWN_FOR) == mark
    except BadSignature:
        return False


def _mark(name: str) -> str:
    """Return what stands for a name: people type passwords into that field."""
    return salted_hmac(SALT, name, algorithm="sha256").hexdigest()[:32]
