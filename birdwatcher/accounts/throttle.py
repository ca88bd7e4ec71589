"""How often one may fail to log in: django-axes counts, and this tells it whom and says so.

Failures count by the address they come from, so that nobody can lock another one out by failing in
his name. Behind a trusted proxy that is the address which the proxy saw.
"""

from __future__ import annotations

import ipaddress
import logging
from typing import Any

from axes.signals import user_locked_out
from django.conf import settings
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

# Whoever has one IPv6 address has usually this whole network.
IPV6_NETWORK = 64

log = logging.getLogger("birdwatcher.accounts")


def client_address(request: HttpRequest) -> str | None:
    """Return the address whose failures count; None if there is none, as over a local socket.

    Of IPv6, it is the network's. What a header says counts only with BIRDWATCHER_TRUST_PROXY.
    """
    if settings.BIRDWATCHER.trust_proxy:
        # The last address is the one that the proxy itself added.
        forwarded = request.headers.get("X-Forwarded-For", "").rpartition(",")[2]
        if (address := _counted(forwarded)) is not None:
            return address
    return _counted(request.META.get("REMOTE_ADDR") or "")


def _counted(text: str) -> str | None:
    try:
        address = ipaddress.ip_address(text.strip())
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((int(address), IPV6_NETWORK), strict=False).network_address)


def no_name(_request: HttpRequest, _credentials: object = None) -> str:
    """Return what is kept as the user's name: nothing, since people type passwords there."""
    return ""


def locked_out(request: HttpRequest, *_: Any) -> HttpResponse:
    """Answer an attempt that comes too soon after too many failures."""
    response = render(request, "accounts/locked.html", {"pause": _pause_minutes()}, status=429)
    response["Retry-After"] = str(60 * _pause_minutes())
    return response


def _pause_minutes() -> int:
    return int(settings.AXES_COOLOFF_TIME.total_seconds() // 60)


@receiver(user_locked_out, dispatch_uid="birdwatcher.accounts")
def _tell(request: HttpRequest, ip_address: str | None, **_: Any) -> None:
    # It is sent again for each attempt while the pause lasts.
    if getattr(request, "axes_failures_since_start", 0):
        log.warning(
            "%d failures to log in from %s; it has to wait for %d minutes",
            settings.AXES_FAILURE_LIMIT,
            ip_address or "a local socket",
            _pause_minutes(),
        )
