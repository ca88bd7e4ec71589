"""Times as people write them into the address of a page."""

from __future__ import annotations

import datetime

from django.utils import timezone

# A day inside what datetime can hold, so that every time zone can show every moment.
EARLIEST = datetime.datetime(1, 1, 2, tzinfo=datetime.UTC)
LATEST = datetime.datetime(9999, 12, 30, tzinfo=datetime.UTC)


def parse_moment(text: str) -> datetime.datetime:
    """Return the time in UTC that an ISO 8601 text means; without an offset in the active zone.

    Raises ValueError, with one sentence for people.
    """
    try:
        moment = datetime.datetime.fromisoformat(text)
        if timezone.is_naive(moment):
            moment = timezone.make_aware(moment)
    except ValueError:
        raise ValueError(f"“{text}” is no time: one is like 2026-05-01 08:46.") from None
    try:
        return moment.astimezone(datetime.UTC)
    except OverflowError:
        # Before year 1 or after 9999 in UTC. No bird is within a day of either, so that the same
        # wall time in UTC parts the birds in the same way.
        return moment.replace(tzinfo=datetime.UTC)
