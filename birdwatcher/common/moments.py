"""Times in ISO 8601, as people and programs write them."""

import datetime

from django.utils import timezone

from nodeproc.moment import parse_moment

# A day inside the range of datetime, so that every time zone can show every moment.
EARLIEST = datetime.datetime(1, 1, 2, tzinfo=datetime.UTC)
LATEST = datetime.datetime(9999, 12, 30, tzinfo=datetime.UTC)


def parse(text: str, zone: datetime.tzinfo | None = None) -> datetime.datetime:
    """Return the time in UTC of an ISO 8601 text; without an offset in `zone`, or the active one.

    Raises ValueError.
    """
    moment = parse_moment(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone or timezone.get_current_timezone())
    try:
        return moment.astimezone(datetime.UTC)
    except OverflowError:
        # Before year 1 or after 9999 in UTC. No bird is within a day of either, so the same wall
        # time in UTC divides the birds in the same way.
        return moment.replace(tzinfo=datetime.UTC)


def parse_typed(text: str) -> datetime.datetime:
    """Return the time in UTC that people typed, without an offset in the active zone.

    Raises ValueError, with one sentence for people.
    """
    try:
        return parse(text)
    except ValueError:
        raise ValueError(f"“{text}” is no time: one is like 2026-05-01 08:46.") from None
