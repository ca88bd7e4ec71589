"""The list of species, and the page of one species."""

import datetime
from collections.abc import Mapping

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone

from birdwatcher.accounts.access import reading
from birdwatcher.accounts.timezones import midnight, today
from birdwatcher.birds.models import Species
from birdwatcher.common.units import DAY
from birdwatcher.pages.charts import bars
from birdwatcher.pages.species.table import Asked, affordable, listed, with_columns
from birdwatcher.rollups import periods, queries, ranking
from birdwatcher.rollups.hours import hour_of
from birdwatcher.search import pages
from birdwatcher.search.search import Search

MONTHS = 36  # of the charts, at most
HOURS = [f"{hour:02}:00" for hour in range(24)]
NODES = 20
NEWEST = 10


@reading
def all_species(request: HttpRequest) -> HttpResponse:
    """Show the list of species."""
    asked = affordable(Asked.read(request.GET.dict()))
    rows, more = listed(asked)
    context = {
        "asked": asked,
        "rows": rows,
        "none_at_all": not (rows or Species.objects.exists()),
        "previous": _before(asked),
        "following": asked.query(page=asked.number + 1) if more else None,
    }
    return render(request, "pages/species/list.html", context)


def _before(asked: Asked) -> str | None:
    """Return the query of the previous page; None on the first."""
    if asked.number == 1:
        return None
    return asked.query(page=asked.number - 1 if asked.number > 2 else "")


@reading
def species(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one species. Raises Http404 if there is none with the key `pk`."""
    it = get_object_or_404(with_columns(Species.objects.all()), pk=pk)
    charted = _charted(timezone.localdate())
    months = _heard(dict(zip(charted, periods.per_month(charted, species=pk), strict=True)))
    # Whole hours of UTC, which are those of the months but for a part of the first and the last.
    ends = hour_of(midnight(charted[0])), timezone.now()
    nodes = ranking.by_node(species=pk, limit=NODES)
    context = {
        "species": it,
        "today": queries.birds_between(*today(), species=pk),
        "months": bars([f"{month:%b %Y}" for month in months], months.values()),
        "elsewhere": max(it.total - sum(months.values()), 0),
        "charted": MONTHS,
        "hours": bars(HOURS, periods.by_hour_of_day(*ends, species=pk)),
        "nodes": [(node, birds, birds / it.total if it.total else 0) for node, birds in nodes],
        "newest": pages.newest(Search(species=pk)).birds[:NEWEST],
    }
    return render(request, "pages/species/species.html", context)


def _charted(today: datetime.date) -> list[datetime.date]:
    """Return the first days of the last `MONTHS` months, in order.

    Without this bound, birds with wrong dates, long ago or in the future, would squeeze the chart,
    and each of a hundred thousand of them would be an hour of its own to read.
    """
    months = [today.replace(day=1)]
    while len(months) < MONTHS:
        months.append((months[-1] - DAY).replace(day=1))
    return months[::-1]


def _heard(months: Mapping[datetime.date, int]) -> dict[datetime.date, int]:
    """Return the months from the first with a bird on, at least the last one."""
    first = min((month for month, birds in months.items() if birds), default=max(months))
    return {month: birds for month, birds in months.items() if month >= first}
