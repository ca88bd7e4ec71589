"""Refuse clients of the API that ask too often: see `birdwatcher.accounts.rates`."""

from __future__ import annotations

from django.conf import settings
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from birdwatcher.accounts.models import ApiToken
from birdwatcher.accounts.rates import RateLimit
from birdwatcher.accounts.throttle import client_address


class Throttle(BaseThrottle):
    """Count each request against the allowance of its token, user or address."""

    def allow_request(self, request: Request, view: object) -> bool:
        """Whether to answer. Raises django.db.Error."""
        return RateLimit.take(*asker(request))

    def wait(self) -> float:
        """Return the seconds until one may ask again."""
        return RateLimit.wait()


def asker(request: Request) -> tuple[str, int]:
    """Return who asks, and how often one may in a minute."""
    if isinstance(request.auth, ApiToken):
        return f"token {request.auth.pk}", settings.BIRDWATCHER.api_rate
    if request.user.is_authenticated:
        return f"user {request.user.pk}", settings.BIRDWATCHER.api_rate
    return f"address {client_address(request)}", settings.BIRDWATCHER.api_anonymous_rate
