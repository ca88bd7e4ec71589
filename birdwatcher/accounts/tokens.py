"""Making tokens, and telling whose one is: for HTTP and WebSockets alike."""

from __future__ import annotations

import hashlib
import re
import secrets
from contextlib import suppress

from django.db import OperationalError
from django.db.models import Q
from django.utils import timezone

from birdwatcher.accounts.models import ApiToken
from birdwatcher.common.database import engine

BYTES = 32  # of randomness
SECRET = re.compile(r"bw_[A-Za-z0-9_-]{43}", re.ASCII)
SHOWN = 10  # characters: too few to be of use to anybody, enough to tell it from others


def renew(token: ApiToken) -> str:
    """Give `token`, which is not saved yet, a new secret, and return that: it cannot be again."""
    secret = f"bw_{secrets.token_urlsafe(BYTES)}"
    token.prefix, token.hash = secret[:SHOWN], _hash(secret)
    return secret


def authenticate(secret: str) -> ApiToken | None:
    """Return the token with this secret, its user loaded, if one may ask with it now.

    None if there is none such, or it has expired or was revoked, or its user may not log in. Notes
    when it was used, if that can be written at once. Raises django.db.Error.
    """
    if not SECRET.fullmatch(secret):
        return None
    # Found by its hash, so that the time this takes tells nothing of any secret.
    found = ApiToken.objects.valid().select_related("user").filter(hash=_hash(secret))
    token = found.first()
    if token is not None:
        _note_use(token)
    return token


def bearer(header: str) -> str | None:
    """Return the secret in an Authorization header, None if it holds another kind."""
    scheme, _, secret = header.strip().partition(" ")
    return secret.strip() if scheme.lower() == "bearer" else None


def _note_use(token: ApiToken) -> None:
    now = timezone.now()
    late = now - ApiToken.NOTED_EVERY
    if token.last_used_at is None or token.last_used_at < late:
        # Again in the database, so that of many who ask at once one writes.
        old = Q(last_used_at=None) | Q(last_used_at__lt=late)
        with suppress(OperationalError), engine().briefly():
            ApiToken.objects.filter(old, pk=token.pk).update(last_used_at=now)


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
