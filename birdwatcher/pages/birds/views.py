"""The page of birds."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from birdwatcher.accounts.access import reading
from birdwatcher.birds.models import Bird, Species
from birdwatcher.nodes.models import Node
from birdwatcher.pages.birds.exports import progress
from birdwatcher.pages.birds.filters import CHOICES, RANGES, BirdFilters
from birdwatcher.search import pages, totals


@reading
def birds(request: HttpRequest) -> HttpResponse:
    """Show a page of the birds that match the filters, newest first."""
    # Remove from the address what the form's empty fields add.
    if "" in request.GET.values():
        kept = request.GET.copy()
        for name in [name for name, value in kept.items() if not value]:
            del kept[name]
        return redirect(f"{reverse('pages:birds')}{'?' if kept else ''}{kept.urlencode()}")
    filters = BirdFilters(request.GET.dict())
    found = _found(filters) if filters.is_valid() else {}
    menus, ranges = _menus(filters), _ranges(filters)
    context = {"filters": filters, "menus": menus, "ranges": ranges, **found}
    context |= progress(request)
    return render(request, "pages/birds/list.html", context)


def _found(filters: BirdFilters) -> dict[str, Any]:
    """Return the page of birds, and the links to its neighbours and to exports."""
    search, asked = filters.search(), filters.cleaned_data
    if asked["after"] and not asked["before"]:
        page = pages.newer_than(search, asked["after"])
    else:
        page = pages.older_than(search, asked["before"])
    return {
        "page": page,
        "upwards": bool(asked["after"] and not asked["before"]),
        "total": totals.known(search),
        "first": not (asked["before"] or asked["after"]),
        "none_at_all": not (page.birds or filters.given or Bird.objects.exists()),
        "newer": filters.query(after=str(page.newer)) if page.newer else "",
        "older": filters.query(before=str(page.older)) if page.older else "",
        "csv": filters.query(format="csv"),
        "jsonl": filters.query(format="jsonl"),
    }


def _ranges(filters: BirdFilters) -> list[dict[str, Any]]:
    """Return the ranges of time to choose from, each with its address."""
    typed = bool(filters.given.get("from") or filters.given.get("to"))
    chosen = filters.given.get("past", "")
    others = {"from": "", "to": ""}
    return [
        {
            "word": word,
            "query": filters.query(past=key, **others),
            "chosen": key == chosen and not typed,
        }
        for key, word in {"": "Any time", **RANGES}.items()
    ]


def _menus(filters: BirdFilters) -> dict[str, dict[str, Any]]:
    """Return the menus of species and nodes, each with at most `CHOICES` entries."""
    menus: dict[str, dict[str, Any]] = {}
    for name, model in (("species", Species), ("node", Node)):
        rows = list(model.objects.all()[: CHOICES + 1])
        chosen = getattr(filters, "cleaned_data", {}).get(name)
        options = rows[:CHOICES]
        if chosen is not None and chosen not in options:
            options.insert(0, chosen)
        menus[name] = {
            "options": [(row.pk, str(row), row == chosen) for row in options],
            "more": len(rows) > CHOICES,
        }
    return menus
