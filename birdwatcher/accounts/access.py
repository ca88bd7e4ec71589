"""Who may see the pages, and who may act on nodes: decorators of every view.

`reading` stands on each page, `operating` on each action. Whoever is not logged in is sent to the
log-in page, whoever is and may not gets 403.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import resolve_url
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe
from django_htmx.http import HttpResponseClientRefresh

READ = "birds.view_bird"
OPERATE = "nodes.operate_node"

User = AbstractBaseUser | AnonymousUser
View = Callable[..., HttpResponseBase]


def may_read(user: User) -> bool:
    """Whether `user` may see the pages: by permission, or because everybody may."""
    return bool(settings.BIRDWATCHER.public or user.has_perm(READ))


def may_operate(user: User) -> bool:
    """Whether `user` may enable, disable and restart nodes."""
    return user.has_perm(OPERATE)


def reading(view: View) -> View:
    """For a page: only GET and HEAD, only who may read, and never from a cache."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if may_read(request.user):
            return view(request, *args, **kwargs)
        return _refusal(request, request.get_full_path())

    return never_cache(require_safe(guarded))


def operating(view: View) -> View:
    """For an action: only POST, only who may operate."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if may_operate(request.user):
            return view(request, *args, **kwargs)
        # An action cannot be opened afterwards as a page can.
        return _refusal(request, resolve_url(settings.LOGIN_REDIRECT_URL))

    return never_cache(require_POST(guarded))


def _refusal(request: HttpRequest, afterwards: str) -> HttpResponseBase:
    """Send strangers to the log-in page, which leads to `afterwards`. Raises PermissionDenied."""
    if request.user.is_authenticated:
        raise PermissionDenied
    # htmx would follow the redirect and put what it finds there into the middle of the open page.
    if request.headers.get("HX-Request"):
        return HttpResponseClientRefresh()
    return redirect_to_login(afterwards)
