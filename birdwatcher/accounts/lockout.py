"""The lockout after too many failures to log in, which django-axes counts.

Failures count by the address that they come from, so that nobody can lock out another user by
failing with their name. Behind a trusted proxy it is the address that the proxy saw.
"""

import logging
from typing import Any

from axes.signals import user_locked_out
from django.conf import settings
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

log = logging.getLogger("birdwatcher.accounts")


def no_name(_request: HttpRequest, _credentials: object = None) -> str:
    """Return an empty name for the record of a failure: people type passwords into that field."""
    return ""


def locked_out(request: HttpRequest, *_: Any) -> HttpResponse:
    """Return the page for an attempt that comes too soon after too many failures."""
    response = render(request, "accounts/locked.html", {"pause": _pause_minutes()}, status=429)
    response["Retry-After"] = str(60 * _pause_minutes())
    return response


def _pause_minutes() -> int:
    return int(settings.AXES_COOLOFF_TIME.total_seconds() // 60)


@receiver(user_locked_out, dispatch_uid="birdwatcher.accounts")
def _log_lockout(request: HttpRequest, ip_address: str | None, **_: Any) -> None:
    # The signal is sent again for each attempt during the pause.
    if getattr(request, "axes_failures_since_start", 0):
        log.warning(
            "%d failures to log in from %s; it has to wait for %d minutes",
            settings.AXES_FAILURE_LIMIT,
            ip_address or "a local socket",
            _pause_minutes(),
        )
