"""The author of a request, for the audit log, and the log-ins themselves."""

from collections.abc import Callable
from typing import Any

from django.contrib.auth.models import AnonymousUser, User
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.dispatch import receiver
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from birdwatcher.accounts import rate_limit
from birdwatcher.accounts.askers import full_address
from birdwatcher.accounts.models import ApiToken
from birdwatcher.audit.author import Author, acting
from birdwatcher.audit.models import Action
from birdwatcher.audit.record import record

FAILURES = 10  # log-ins a minute that are recorded; guessing must not fill the log
UNKNOWN = "a name that nobody has"  # people type passwords into that field: it is not kept

Answer = Callable[[HttpRequest], HttpResponseBase]


class AuthorMiddleware:
    """Name the author of all that is recorded while a request is answered."""

    def __init__(self, get_response: Answer) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer `request`."""
        with acting(lambda: author_of(request)):
            return self._get_response(request)


def author_of(request: HttpRequest | None, user: Any = None) -> Author:
    """Return who sent a request, or `user` at its address."""
    user = user or getattr(request, "user", None) or AnonymousUser()
    # Django REST framework leaves there by which token the request was authenticated.
    token = getattr(request, "auth", None)
    return Author(
        user.get_username(),
        user.pk,
        (full_address(request) if request else None) or "",
        str(token) if isinstance(token, ApiToken) else "",
    )


@receiver(user_logged_in, dispatch_uid="birdwatcher.accounts")
def _record_log_in(request: HttpRequest | None, user: User, **_: Any) -> None:
    record(Action.LOG_IN, by=author_of(request, user))


@receiver(user_logged_out, dispatch_uid="birdwatcher.accounts")
def _record_log_out(request: HttpRequest | None, user: User | None, **_: Any) -> None:
    if user is not None:
        record(Action.LOG_OUT, by=author_of(request, user))


@receiver(user_login_failed, dispatch_uid="birdwatcher.accounts")
def _record_failure(credentials: dict[str, Any], request: HttpRequest | None, **_: Any) -> None:
    if not rate_limit.take("recorded failures to log in", FAILURES):
        return
    typed = User.objects.filter(username=str(credentials.get("username"))[:150]).first()
    known = [typed] if typed else []
    by = author_of(request, AnonymousUser())
    record(Action.FAILED, known, "" if known else UNKNOWN, by=by)
