"""Create and check the secrets of API tokens, for HTTP and WebSockets."""

import datetime
import hashlib
import re
import secrets
from contextlib import suppress

from django.conf import settings
from django.contrib.auth.models import User
from django.db import OperationalError
from django.db.models import Q
from django.utils import timezone

from birdwatcher.accounts.models import ApiToken
from birdwatcher.common.database import engine

BYTES = 32  # of randomness
SECRET = re.compile(r"bw_[A-Za-z0-9_-]{43}", re.ASCII)
SHOWN = 10  # characters: too few to guess the rest, enough to tell tokens apart


def renew(token: ApiToken) -> str:
    """Give `token`, not saved yet, a new secret, and return the secret: it is stored nowhere.

    Without an end, a token of a user gets the default one.
    """
    secret = f"bw_{secrets.token_urlsafe(BYTES)}"
    if token.user_id is not None:
        token.expires_at = token.expires_at or default_end()
    token.prefix, token.hash = secret[:SHOWN], _hash(secret)
    return secret


def default_end() -> datetime.datetime:
    """Return when a token ends that is made now, if nobody says otherwise."""
    return timezone.now() + datetime.timedelta(days=settings.BIRDWATCHER.token_days)


def end_all(user: User) -> int:
    """End every token of `user`; return how many were not revoked before."""
    return ApiToken.objects.filter(user=user, revoked_at=None).update(revoked_at=timezone.now())


def authenticate(secret: str) -> ApiToken | None:
    """Return the valid token with this secret, of a user, who is loaded, or of a device.

    None if it is unknown, expired or revoked, or its user is not active. Records the use, if that
    can be written at once. Raises django.db.Error.
    """
    if not SECRET.fullmatch(secret):
        return None
    # Searched by its hash, so that the time of the search reveals nothing about secrets.
    found = ApiToken.objects.valid().select_related("user").filter(hash=_hash(secret))
    token = found.first()
    if token is not None:
        _note_use(token)
    return token


def bearer(header: str) -> str | None:
    """Return the secret in an Authorization header, None for another scheme."""
    scheme, _, secret = header.strip().partition(" ")
    return secret.strip() if scheme.lower() == "bearer" else None


def _note_use(token: ApiToken) -> None:
    now = timezone.now()
    late = now - ApiToken.NOTED_EVERY
    if token.last_used_at is None or token.last_used_at < late:
        # Checked again in the database, so that only one of many requests at once writes.
        old = Q(last_used_at=None) | Q(last_used_at__lt=late)
        with suppress(OperationalError), engine().briefly():
            ApiToken.objects.filter(old, pk=token.pk).update(last_used_at=now)


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
