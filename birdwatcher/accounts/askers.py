"""The askers, whose requests are counted together: a token, a user, or an address."""

from typing import NamedTuple

from django.conf import settings
from django.http import HttpRequest

from birdwatcher.accounts.models import ApiToken
from birdwatcher.common.addresses import address_of, client_of


class Asker(NamedTuple):
    """The name of an asker, such as `token 3`, and the requests it may make in a minute."""

    name: str
    rate: int


def asker(request: HttpRequest, token: ApiToken | None = None) -> Asker:
    """Return the asker: the token if there is one, else the user, else the address."""
    rate = settings.BIRDWATCHER.api_rate
    if token is not None:
        return Asker(f"token {token.pk}", rate)
    if request.user.is_authenticated:
        return Asker(f"user {request.user.pk}", rate)
    address = client_address(request)
    return Asker(f"address {address}", settings.BIRDWATCHER.api_anonymous_rate)


def client_address(request: HttpRequest) -> str | None:
    """Return the address by which a client is counted; None over a local socket.

    For IPv6, it is that of the network. X-Forwarded-For counts only with BIRDWATCHER_TRUST_PROXY.
    """
    return client_of(*_ends(request), trust_proxy=settings.BIRDWATCHER.trust_proxy)


def full_address(request: HttpRequest) -> str | None:
    """Return the address of a client itself, for people to read; None over a local socket."""
    return address_of(*_ends(request), trust_proxy=settings.BIRDWATCHER.trust_proxy)


def _ends(request: HttpRequest) -> tuple[str, str]:
    peer = request.META.get("REMOTE_ADDR") or ""
    return peer, request.headers.get("X-Forwarded-For", "")
