"""Authentication by an API token, and permissions: never more than those of the user."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.auth.models import AnonymousUser
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from birdwatcher.accounts.access import User, may_read
from birdwatcher.accounts.models import ApiToken
from birdwatcher.accounts.tokens import authenticate, bearer

if TYPE_CHECKING:
    # It imports what the settings name, and so this module.
    from rest_framework.views import APIView

INVALID = "The token is not valid: it is unknown, has expired or was revoked."
OF_DEVICE = "The token belongs to a device: it can only send what the device measures."
READ_ONLY = "The token is for reading only."


class BearerAuthentication(BaseAuthentication):
    """`Authorization: Bearer bw_…`."""

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        """Return the token's user and the token; None without a token.

        Raises AuthenticationFailed, PermissionDenied for a device's, django.db.Error.
        """
        secret = bearer(request.META.get("HTTP_AUTHORIZATION", ""))
        if secret is None:
            return None
        token = authenticate(secret)
        if token is None:
            raise AuthenticationFailed(INVALID)
        if token.user is None:
            raise PermissionDenied(OF_DEVICE)
        return token.user, token

    def authenticate_header(self, request: Request) -> str:
        """Return the value of the header WWW-Authenticate."""
        return 'Bearer realm="Birdwatcher"'


class MayRead(BasePermission):
    """Allow users who may see the pages; with BIRDWATCHER_PUBLIC, allow everybody."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Return whether the request is allowed."""
        return may_read(request.user)


class MayWrite(BasePermission):
    """Allow reading as `MayRead` does.

    Other actions need a session or a token for writing, and the permissions that the view lists for
    the action in `writing`.
    """

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Return whether the request is allowed."""
        if request.method in SAFE_METHODS:
            return may_read(request.user)
        if isinstance(request.auth, ApiToken) and not request.auth.may_write:
            self.message = READ_ONLY
            return False
        needed: dict[str, tuple[str, ...]] = getattr(view, "writing", {})
        action = getattr(view, "action", None)
        user = request.user
        if isinstance(user, AnonymousUser) or action not in needed:
            # A user gets 405 for an action that the view does not have.
            return user.is_authenticated and action is None
        return user.has_perms(needed[action])
