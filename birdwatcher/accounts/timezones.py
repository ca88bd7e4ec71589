"""The user's time zone: pages show times in it, and "today" is the day in it.

The browser sends it in a cookie, which the script sets on the first visit and the form in the
footer changes. Without a valid cookie, BIRDWATCHER_TIME_ZONE counts.
"""

import datetime
import zoneinfo
from collections.abc import Callable
from functools import lru_cache

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone

from birdwatcher.common.units import DAY

COOKIE = "timezone"
LONGEST_NAME = 64  # the longest that exists has 32 characters
KEPT = datetime.timedelta(days=365)


class TimeZoneMiddleware:
    """Activate the user's time zone for each request."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer `request` with the zone of its cookie active."""
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
    """Make the browser send `zone` from now on."""
    # Readable by the script, which sets it only if it is missing.
    response.set_cookie(
        COOKIE, zone.key, max_age=KEPT, path=settings.ROOT, secure=secure, samesite="Lax"
    )


def today(now: datetime.datetime | None = None) -> tuple[datetime.datetime, datetime.datetime]:
    """Return when the day of `now` in the active zone begins and when it ends.

    Both are in UTC, so that their difference is the time that passes: 23 or 25 hours on the days
    when clocks change.
    """
    date = timezone.localtime(now).date()
    return midnight(date), midnight(date + DAY)


def midnight(date: datetime.date) -> datetime.datetime:
    """Return the moment, in UTC, at which `date` begins in the active zone."""
    # Where clocks go forward at midnight, there is no 00:00; Python uses the offset before, which
    # gives the moment of the change. Where they go back to midnight, this is the first of the two.
    midnight = datetime.datetime.combine(
        date, datetime.time(), tzinfo=timezone.get_current_timezone()
    )
    return midnight.astimezone(datetime.UTC)
