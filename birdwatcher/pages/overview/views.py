"""The overview: what the network hears now."""

from typing import Any

from django.db.models import F
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from birdwatcher.accounts.access import reading
from birdwatcher.birds.models import Bird
from birdwatcher.pages.overview import figures
from birdwatcher.pages.overview.condition import condition
from birdwatcher.pages.overview.held import held

LINES = 50  # of the live feed; its script keeps as many
TOP = 10


@reading
def overview(request: HttpRequest) -> HttpResponse:
    """Show the overview, or the part of it that refreshes itself."""
    part = request.headers.get("HX-Target")
    if part == "counts":
        return render(request, "pages/overview/counts.html", _counts())
    now = {"condition": condition()} | _numbers()
    if part == "now":
        return render(request, "pages/overview/now.html", now)
    return render(request, "pages/overview/overview.html", now | _counts() | {"feed": _feed()})


@held
def _numbers() -> dict[str, Any]:
    now = timezone.now()
    return {
        "birds_today": figures.birds_today(now),
        "birds_last_hour": figures.birds_last_hour(now),
        "species_today": figures.species_today(now),
    }


# In zones with a fraction of an hour, this counts the birds of some hours one by one.
@held
def _counts() -> dict[str, Any]:
    now = timezone.now()
    grid = figures.grid(now)
    return {"now": now, "chart": figures.chart(now), "grid": grid, "top": grid.rows[:TOP]}


def _feed() -> list[Bird]:
    """Return the newest birds in the order of arrival; the live feed continues from them."""
    newest = Bird.objects.select_related("species", "node").order_by(F("pk").desc())
    return list(newest[:LINES])
