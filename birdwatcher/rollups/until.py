"""How many birds there were up to a moment: exactly, from the counts and the rest of one hour.

The cost does not grow with the number of birds. Most questions are about a moment not long ago:
little was counted after it, and that is subtracted from the total. For a moment long ago, the few
hours before it are summed. In between, the smaller side is summed: one node or one species has at
most 24 counts a day, so after ten years that is 43,800 of them at the very middle, some hundredths
of a second. Sums by the day would make that a tenth, but every bird more expensive to write, so
they are not kept.
"""

import datetime
from typing import Any

from django.db.models import BigIntegerField, F, Func, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from birdwatcher.common.moments import EARLIEST, LATEST
from birdwatcher.common.units import MICROSECOND
from birdwatcher.rollups.hours import Span, hour_of
from birdwatcher.rollups.models import TotalCount
from birdwatcher.rollups.queries import birds_within, filters_of, table_of

FEW = 500  # counts, quickly read: the first guess at how many the smaller side has


def birds_until(
    ts: datetime.datetime, *, node: int | None = None, species: int | None = None
) -> int:
    """Return how many birds have a timestamp up to and including `ts`, which must be aware.

    Late birds, future ones and those with a doubtful time count, too. Meant for one node or one
    species: of all birds, an hour has many counts. An unknown key has no birds. Raises
    django.db.Error.
    """
    filters = filters_of(node, species)
    end = min(max(ts, EARLIEST - MICROSECOND), LATEST) + MICROSECOND
    hour = hour_of(end)
    hours = table_of(filters)._default_manager.filter(**filters)  # noqa: SLF001 public
    before, after = hours.filter(hour__lt=hour), hours.filter(hour__gte=hour)
    rest = _sum(birds_within(Span(hour, end), filters), "COUNT", "pk")
    counted = Coalesce(Sum("birds"), 0)
    # In one statement, which sees one moment: between two, a bird could be inserted, and would be
    # subtracted from a total that does not include it.
    if _is_smaller(before, after):
        answer = before.aggregate(n=counted + rest)
    else:
        totals = TotalCount.objects.filter(**filters)
        answer = totals.aggregate(n=counted - _sum(after, "SUM", "birds") + rest)
    return int(answer["n"])


def _sum(rows: QuerySet[Any], function: str, column: str) -> Coalesce:
    """Return the sum, or number, of `rows` as part of another statement; 0 without any."""
    total = Func(F(column), function=function, output_field=BigIntegerField())
    return Coalesce(Subquery(rows.order_by().annotate(n=total).values("n")), 0)


def _is_smaller(one: QuerySet[Any], other: QuerySet[Any]) -> bool:
    """Whether `one` has fewer rows, roughly, without reading much more than the fewer ones."""
    few = FEW
    while True:
        for side in (one, other):
            if not side.order_by("hour").values_list("hour")[few : few + 1]:
                return side is one
        few *= 4
