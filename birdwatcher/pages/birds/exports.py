"""Exports of birds: the file, and the progress of each."""

import re
import secrets
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils import timezone

from birdwatcher.accounts.access import reading
from birdwatcher.exports.answer import answer, owner_of
from birdwatcher.exports.birds import Birds
from birdwatcher.exports.file_formats import FORMATS
from birdwatcher.exports.models import Export
from birdwatcher.exports.places import OF_EACH, BusyError, TooManyError
from birdwatcher.pages.birds.filters import BirdFilters

VISITOR = "visitor"  # the cookie of a browser without a log-in
TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")  # its value, by `secrets.token_urlsafe`
SHOWN = 5
RETRY_AFTER = 30  # seconds, while too many other exports run


@reading
def export(request: HttpRequest) -> HttpResponseBase:
    """Send all birds that match the filters, as a file."""
    filters = BirdFilters(request.GET.dict())
    form = FORMATS.get(request.GET.get("format", "csv"))
    complaints = [] if filters.is_valid() else filters.complaints
    if form is None:
        complaints.append(f"There is no such format: use {' or '.join(FORMATS)}.")
    if form is None or complaints:
        return _refuse(request, 400, complaints)
    visitor = _visitor(request) or secrets.token_urlsafe(32)
    owner = owner_of(request, visitor)
    birds = Birds(filters.search(), timezone.get_current_timezone())
    name = f"birds-{timezone.localtime():%Y%m%d-%H%M%S}"
    try:
        response = answer(request, owner, birds, form, filters.in_words(), name)
    except TooManyError:
        return _refuse(
            request, 429, [f"{OF_EACH} of your exports are running: wait for one to end."]
        )
    except BusyError:
        busy = _refuse(request, 503, ["Other exports are running: try again in a moment."])
        busy["Retry-After"] = str(RETRY_AFTER)
        return busy
    if not request.user.is_authenticated:
        response.set_cookie(
            VISITOR,
            visitor,
            path=settings.ROOT,
            secure=request.is_secure(),
            httponly=True,
            samesite="Lax",
        )
    return response


@reading
def exports(request: HttpRequest) -> HttpResponse:
    """Show the progress of the viewer's exports, as a part of the page of birds."""
    return render(request, "pages/birds/exports.html", progress(request))


def progress(request: HttpRequest) -> dict[str, Any]:
    """Return the template's context: the viewer's exports of birds."""
    visitor = _visitor(request)
    rows: list[Export] = []
    if request.user.is_authenticated or visitor:
        since = timezone.now() - Export.KEPT_FOR
        mine = Export.objects.of(owner_of(request, visitor)).filter(kind=Birds.kind)
        rows = list(mine.filter(started_at__gte=since)[:SHOWN])
    return {"exports": rows, "exporting": any(row.running for row in rows)}


def _visitor(request: HttpRequest) -> str:
    """Return the cookie's value, empty without a valid one.

    A cookie may hold anything, also characters that PostgreSQL refuses.
    """
    visitor = request.COOKIES.get(VISITOR, "")
    return visitor if TOKEN.fullmatch(visitor) else ""


def _refuse(request: HttpRequest, status: int, complaints: list[str]) -> HttpResponse:
    return render(request, "pages/birds/no_export.html", {"complaints": complaints}, status=status)
