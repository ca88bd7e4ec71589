"""The overview: what the network hears now."""

from __future__ import annotations

from typing import Any

from django.db.models import F
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from birdwatcher.accounts.access import reading
from birdwatcher.birds.models import Bird
from birdwatcher.pages.overview import figures
from birdwatcher.pages.overview.condition import condition
from birdwatcher.pages.overview.held import Held

LINES = 50  # of the live feed; its script keeps as many
TOP = 10


@reading
def overview(request: HttpRequest) -> HttpResponse:
    """Show the overview, or the part of it that refreshes itself."""
    part = request.headers.get("HX-Target")
    if part == "counts":
        return render(request, "pages/overview/counts.html", _counts.ask())
    now = {"condition": condition()} | _numbers.ask()
    if part == "now":
        return render(request, "pages/overview/now.html", now)
    return render(request, "pages/overview/overview.html", now | _counts.ask() | {"feed": _feed()})


def _count_now() -> dict[str, Any]:
    now = timezone.now()
    return {
        "birds_today": figures.birds_today(now),
        "birds_last_hour": figures.birds_last_hour(now),
        "species_today": figures.species_today(now),
    }


def _count_hours() -> dict[str, Any]:
    now = timezone.now()
    grid = figures.grid(now)
    return {"now": now, "chart": figures.chart(now), "grid": grid, "top": grid.rows[:TOP]}


# Where hours are not whole, birds of whole hours are counted one by one.
_numbers, _counts = Held(_count_now), Held(_count_hours)


def _feed() -> list[Bird]:
    """Return the newest birds in the order in which they came, which the live feed goes on with."""
    newest = Bird.objects.select_related("species", "node").order_by(F("pk").desc())
    return list(newest[:LINES])
