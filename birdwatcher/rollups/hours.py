"""Hours of UTC, as the counts have them; where there are many, as numbers since 1970."""

import datetime
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from django.db.models import BigIntegerField, Func
from django.utils import timezone

from birdwatcher.common.moments import EARLIEST, LATEST
from birdwatcher.common.units import EPOCH, HOUR, MICROSECOND

DAY = 24  # hours
FIRST_DAY = EPOCH.toordinal()


class Span(NamedTuple):
    """The moments from `start` up to, and without, `end`."""

    start: datetime.datetime
    end: datetime.datetime

    def __bool__(self) -> bool:
        return self.start < self.end


class LocalHour(NamedTuple):
    """An hour in the active time zone."""

    day: datetime.date
    hour: int  # of the day, 0 to 23


class HourNumber(Func):
    """The number of an hour since 1970; the database computes it faster than Python reads times."""

    output_field = BigIntegerField()
    template = "CAST(EXTRACT(EPOCH FROM %(expressions)s) AS bigint) / 3600"

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        """Return the SQL for SQLite, which divides whole numbers without a remainder, too."""
        template = "CAST(strftime('%%%%s', %(expressions)s) AS integer) / 3600"
        return self.as_sql(compiler, connection, template=template, **context)


def hour_of(moment: datetime.datetime) -> datetime.datetime:
    """Return the start of the hour, in UTC."""
    return EPOCH + (moment - EPOCH) // HOUR * HOUR


def split(start: datetime.datetime, end: datetime.datetime) -> tuple[Span, list[Span]]:
    """Return the whole hours between two moments, perhaps none, and the ragged ends.

    Moments outside the range that a bird can have are replaced by its limits.
    """
    start, end = min(max(start, EARLIEST), LATEST + HOUR), min(end, LATEST + HOUR)
    first, last = hour_of(start + HOUR - MICROSECOND), hour_of(end)
    if first > last:  # all within one hour
        return Span(first, first), list(filter(None, [Span(start, end)]))
    return Span(first, last), list(filter(None, [Span(start, first), Span(last, end)]))


def localised(counts: Iterable[tuple[int, int]]) -> Iterator[tuple[LocalHour, int, int]]:
    """Yield each hour of `counts` in the active time zone, its number, and its birds.

    `counts` are of birds, by the number of their hour, in order. Where the zone is not whole hours
    from UTC, an hour of UTC counts as the local one in which its middle lies.
    """
    known_day = shown_day = None
    offset: int | None = None
    date = datetime.date.min
    for number, birds in counts:
        if number // DAY != known_day:
            known_day = number // DAY
            first, last = offset_of(known_day * DAY), offset_of(known_day * DAY + DAY - 1)
            offset = first if first == last else None  # the clocks are changed on this day
        day, hour = divmod(number + (offset_of(number) if offset is None else offset), DAY)
        if day != shown_day:
            shown_day, date = day, datetime.date.fromordinal(FIRST_DAY + day)
        yield LocalHour(date, hour), number, birds


def offset_of(number: int) -> int:
    """Return how many hours the active zone is ahead of UTC in an hour, to the nearest one."""
    middle = timezone.localtime(EPOCH + number * HOUR + HOUR / 2)
    return ((middle.utcoffset() or datetime.timedelta(0)) + HOUR / 2) // HOUR


def start_of_day(day: datetime.date, zone: datetime.tzinfo) -> datetime.datetime:
    """Return the moment in UTC before which it is an earlier day in `zone`, and not after it."""
    midnight = datetime.datetime.combine(day, datetime.time(), tzinfo=zone)
    first, second = (midnight.replace(fold=it).astimezone(datetime.UTC) for it in (0, 1))
    # Where clocks are put back over midnight, as in St. John's, at 00:01, until 2011, the day
    # before comes again, and ends at the second midnight. Where they are put back to it, as in
    # Havana, the second one is an hour into the day.
    if second > first and (second - MICROSECOND).astimezone(zone).date() < day:
        return second
    return first
