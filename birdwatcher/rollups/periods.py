"""Birds by the day, the month, and the hour of the day, as the clocks of a time zone show them.

The zone may not be whole hours from UTC: then a day begins within an hour of the counts. The birds
of all these hours are counted one by one, but in one statement, however many periods there are. A
question has a beginning and an end, so that wild dates cannot make it long.
"""

import datetime
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

from django.db.models import QuerySet, Sum
from django.utils import timezone

from birdwatcher.common.units import DAY, EPOCH, HOUR, MICROSECOND
from birdwatcher.rollups.hours import HourNumber, Span, hour_of, localised, start_of_day
from birdwatcher.rollups.queries import (
    Moment,
    OneNode,
    OneSpecies,
    birds_in,
    filters_of,
    table_of,
    within,
)


def per_day(
    start: Moment,
    end: Moment,
    zone: datetime.tzinfo,
    *,
    node: OneNode = None,
    species: OneSpecies = None,
) -> dict[datetime.date, int]:
    """Return the birds from `start` until before `end` by the day of `zone`, in order.

    Days without birds are there too, but not those that a zone leaves out.
    """
    if start >= end:
        return {}
    first, last = (it.astimezone(zone).date() for it in (start, end - MICROSECOND))
    days = [first + number * DAY for number in range((last - first).days + 1)]
    edges = [start, *(min(max(start_of_day(it, zone), start), end) for it in days[1:]), end]
    found = zip(days, pairwise(edges), _between(edges, filters_of(node, species)), strict=True)
    return {day: birds for day, (begins, ends), birds in found if begins < ends}


def per_month(
    months: Sequence[datetime.date], *, node: OneNode = None, species: OneSpecies = None
) -> list[int]:
    """Return the birds of each of `months` of the active time zone.

    They follow each other, and each is given by its first day.
    """
    zone = timezone.get_current_timezone()
    after = (months[-1] + 31 * DAY).replace(day=1)
    edges = [start_of_day(it, zone) for it in (*months, after)]
    return _between(edges, filters_of(node, species))


def by_hour_of_day(
    start: Moment, end: Moment, *, node: OneNode = None, species: OneSpecies = None
) -> list[int]:
    """Return the birds by the hour of the day in the active time zone: 24 numbers.

    Of the hours that begin from `start` until before `end`. Where the zone is not whole hours from
    UTC, an hour of UTC counts as the local one in which its middle lies.
    """
    filters = filters_of(node, species)
    rows = within(table_of(filters), Span(start, end), filters)
    numbers = rows.values_list(HourNumber("hour")).order_by("hour").annotate(n=Sum("birds"))
    hours = [0] * 24
    for local, _, birds in localised(numbers):
        hours[local.hour] += birds
    return hours


def _between(edges: Sequence[Moment], filters: dict[str, Any]) -> list[int]:
    """Return the birds from each of `edges`, which are in order, until before the next."""
    spans = list(_ragged(edges))
    counted = {hour_of(span.start) for span in spans}
    found: Counter[int] = Counter()
    for hour, birds in _whole(Span(edges[0], edges[-1]), filters):
        if hour not in counted:
            found[bisect_right(edges, hour)] += birds
    # As they are now, and not as the counts were before.
    for span, birds in zip(spans, birds_in(spans, filters), strict=True):
        found[bisect_right(edges, span.start)] += birds
    return [found[number] for number in range(1, len(edges))]


def _ragged(edges: Sequence[Moment]) -> Iterator[Span]:
    """Yield the parts of those hours that are divided by one of `edges`."""
    inside = sorted({it for it in edges if it != hour_of(it)})
    for hour in sorted({hour_of(it) for it in inside}):
        cuts = [hour, *(it for it in inside if hour < it < hour + HOUR), hour + HOUR]
        for start, end in pairwise(cuts):
            if edges[0] <= start and end <= edges[-1]:
                yield Span(start, end)


def _whole(span: Span, filters: dict[str, Any]) -> Iterator[tuple[Moment, int]]:
    """Yield the hours that begin within `span`, with their birds."""
    rows: QuerySet[Any] = within(table_of(filters), span, filters)
    for number, birds in rows.values_list(HourNumber("hour")).annotate(n=Sum("birds")):
        yield EPOCH + number * HOUR, birds
