"""The time zone of whoever looks: times are shown in it, and "today" is the day in it.

A browser tells its zone in a cookie, which its script sets on the first visit and the form at the
foot of each page changes. Without one, or with nonsense in it, BIRDWATCHER_TIME_ZONE counts.
"""

from __future__ import annotations

import datetime
import zoneinfo
from collections.abc import Callable
from functools import lru_cache

from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone

from birdwatcher.common.units import DAY

COOKIE = "timezone"
LONGEST_NAME = 64  # the longest there is has 32 characters
KEPT = datetime.timedelta(days=365)


class TimeZoneMiddleware:
    """Shows every page in the zone of whoever asked for it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer `request` with its zone active."""
        zone = find_zone(request.COOKIES.get(COOKIE, ""))
        with timezone.override(zone or timezone.get_default_timezone()):
            return self._get_response(request)


@lru_cache(maxsize=1024)
def find_zone(name: str) -> zoneinfo.ZoneInfo | None:
    """Return the time zone called `name`, or None if this system knows none."""
    if not 0 < len(name) <= LONGEST_NAME:
        return None
    try:
        return zoneinfo.ZoneInfo(name)
    except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError):
        return None


def remember(response: HttpResponseBase, zone: zoneinfo.ZoneInfo, *, secure: bool) -> None:
    """Have the browser that gets `response` ask for times in `zone` from now on."""
    # Readable for the script, which must not ask again.
    response.set_cookie(COOKIE, zone.key, max_age=KEPT, secure=secure, samesite="Lax")


def today(now: datetime.datetime | None = None) -> tuple[datetime.datetime, datetime.datetime]:
    """Return when the day of the active zone in which `now` lies began, and when it ends.

    In UTC, so that their difference is the time that passes: 23 or 25 hours when clocks change.
    """
    date = timezone.localtime(now).date()
    return midnight(date), midnight(date + DAY)


def midnight(date: datetime.date) -> datetime.datetime:
    """Return in UTC the moment at which `date` begins in the active zone."""
    # Where clocks go forward at midnight, 00:00 is never shown; by the offset before, which Python
    # takes, it is the moment of the change. Where they go back to it, it is the first of the two.
    midnight = datetime.datetime.combine(
        date, datetime.time(), tzinfo=timezone.get_current_timezone()
    )
    return midnight.astimezone(datetime.UTC)
