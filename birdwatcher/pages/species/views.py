"""The list of species, and the page of one species."""

import datetime
from collections.abc import Mapping

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone

from birdwatcher.accounts.access import reading
from birdwatcher.accounts.timezones import today
from birdwatcher.birds.models import Species
from birdwatcher.common.units import DAY
from birdwatcher.pages.charts import bars
from birdwatcher.pages.species.table import Asked, listed, with_columns
from birdwatcher.rollups import queries
from birdwatcher.search import pages
from birdwatcher.search.search import Search

MONTHS = 36  # of the chart, at most
NODES = 20
NEWEST = 10


@reading
def all_species(request: HttpRequest) -> HttpResponse:
    """Show the list of species."""
    asked = Asked.read(request.GET.dict())
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
    by_month = queries.by_month(species=pk)
    now = timezone.localdate()
    months = _months(by_month, now)
    nodes = queries.by_node(species=pk, limit=NODES)
    context = {
        "species": it,
        "today": queries.birds_between(*today(), species=pk),
        "months": bars([f"{month:%b %Y}" for month in months], months.values()),
        "elsewhere": sum(by_month.values()) - sum(months.values()),
        "hours": bars([f"{hour:02}:00" for hour in range(24)], queries.by_hour_of_day(species=pk)),
        "nodes": [(node, birds, birds / it.total if it.total else 0) for node, birds in nodes],
        "newest": pages.newest(Search(species=pk)).birds[:NEWEST],
    }
    return render(request, "pages/species/species.html", context)


def _months(by_month: Mapping[datetime.date, int], now: datetime.date) -> dict[datetime.date, int]:
    """Return the birds of each of the last `MONTHS` months, beginning with the first bird.

    Without this limit, a bird with a wrong date, long ago or in the future, would squeeze the
    chart.
    """
    months = [now.replace(day=1)]
    while len(months) < MONTHS:
        months.append((months[-1] - DAY).replace(day=1))
    heard = [month for month in months if by_month.get(month)]
    first = min(heard, default=months[0])
    return {month: by_month.get(month, 0) for month in reversed(months) if month >= first}
