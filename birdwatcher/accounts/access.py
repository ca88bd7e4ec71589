"""Permissions of the views: every page is decorated with `reading`, every action with `operating`
or `deciding`, the audit log with `auditing`.

A visitor who is not logged in is sent to the log-in page; a user without the permission gets 403.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import resolve_url
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe
from django_htmx.http import HttpResponseClientRefresh

READ = "birds.view_bird"
AUDIT = "audit.view_entry"
OPERATE = "nodes.operate_node"

# Adopting what is set aside of a node makes birds and species; discarding deletes its events.
DECIDE = ("nodes.change_node", "birds.add_bird", "birds.add_species", "birds.delete_bird")

User = AbstractBaseUser | AnonymousUser
View = Callable[..., HttpResponseBase]


def may_read(user: User) -> bool:
    """Return whether `user` may see the pages, by permission or because the site is public."""
    return bool(settings.BIRDWATCHER.public or user.has_perm(READ))


def may_operate(user: User) -> bool:
    """Return whether `user` may enable, disable and restart nodes."""
    return user.has_perm(OPERATE)


def may_audit(user: User) -> bool:
    """Return whether `user` may see the audit log, however public the site is."""
    return user.has_perm(AUDIT)


def may_see_raw(user: User) -> bool:
    """Return whether `user` may see what a node sent that was no packet.

    On a public site, that would show to everybody what answers at any address that is entered.
    """
    return user.is_authenticated


def may_decide(user: User) -> bool:
    """Return whether `user` may adopt or discard what is set aside of a node."""
    return user.has_perms(DECIDE)


def reading(view: View) -> View:
    """Allow only GET and HEAD by users who may read, and forbid caching."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if may_read(request.user):
            return view(request, *args, **kwargs)
        return _refusal(request, request.get_full_path())

    return never_cache(require_safe(guarded))


def auditing(view: View) -> View:
    """Allow only GET and HEAD by users who may see the audit log, and forbid caching."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if may_audit(request.user):
            return view(request, *args, **kwargs)
        return _refusal(request, request.get_full_path())

    return never_cache(require_safe(guarded))


def operating(view: View) -> View:
    """Allow only POST by users who may operate nodes, and forbid caching."""
    return _acting(view, may_operate)


def deciding(view: View) -> View:
    """Allow only POST by users who may decide about what is set aside, and forbid caching."""
    return _acting(view, may_decide)


def _acting(view: View, may: Callable[[User], bool]) -> View:
    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if may(request.user):
            return view(request, *args, **kwargs)
        # The address of an action cannot be opened after the log-in, as that of a page can.
        return _refusal(request, resolve_url(settings.LOGIN_REDIRECT_URL))

    return never_cache(require_POST(guarded))


def is_ours(request: HttpRequest, address: str) -> bool:
    """Return whether `address`, from a form, is on this site, so that redirecting to it is safe."""
    return url_has_allowed_host_and_scheme(
        address, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )


def _refusal(request: HttpRequest, afterwards: str) -> HttpResponseBase:
    """Redirect to the log-in page, then to `afterwards`. Raises PermissionDenied for a user."""
    if request.user.is_authenticated:
        raise PermissionDenied
    # htmx would follow the redirect and insert the log-in page into the open page.
    if request.headers.get("HX-Request"):
        return HttpResponseClientRefresh()
    return redirect_to_login(afterwards)
