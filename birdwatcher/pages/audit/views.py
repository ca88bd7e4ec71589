"""The audit log: a page of it, and files of all that matches."""

from collections.abc import Sequence

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils import timezone

from birdwatcher.accounts.access import auditing
from birdwatcher.audit.models import Action, Entry
from birdwatcher.exports.answer import answer, owner_of
from birdwatcher.exports.file_formats import FORMATS, Record
from birdwatcher.exports.lists import Rows
from birdwatcher.exports.places import OF_EACH, BusyError, TooManyError
from birdwatcher.pages.audit.filters import KINDS, AuditFilters

SHOWN = 50
COLUMNS = ("id", "at", "who", "address", "token", "action", "kind", "key", "what", "detail")
TOO_MANY = f"{OF_EACH} of your exports are running: wait for one to end."
BUSY = "Other exports are running: try again in a moment."


@auditing
def audit(request: HttpRequest) -> HttpResponse:
    """Show the newest entries that match, or those from a key backwards."""
    filters = AuditFilters(request.GET.dict())
    return _page(request, filters, [] if filters.is_valid() else filters.complaints)


@auditing
def export(request: HttpRequest) -> HttpResponseBase:
    """Send all entries that match, newest first, as a file."""
    filters = AuditFilters(request.GET.dict())
    form = FORMATS.get(request.GET.get("format", "csv"))
    if form is None or not filters.is_valid():
        return _page(request, filters, filters.complaints or ["There is no such format."], 400)
    rows = Rows("audit entries", filters.entries(), COLUMNS, _records)
    name = f"audit-{timezone.localtime():%Y%m%d-%H%M%S}"
    title = filters.query() or "all entries"
    try:
        return answer(request, owner_of(request), rows, form, title, name)
    except TooManyError:
        return _page(request, filters, [TOO_MANY], 429)
    except BusyError:
        return _page(request, filters, [BUSY], 503)


def _page(
    request: HttpRequest, filters: AuditFilters, complaints: list[str], status: int = 200
) -> HttpResponse:
    found: list[Entry] = []
    if not complaints:
        entries, start = filters.entries(), filters.cleaned_data["start"]
        found = list((entries.filter(pk__lte=start) if start else entries)[: SHOWN + 1])
    context = {
        "filters": filters,
        "complaints": complaints,
        "entries": found[:SHOWN],
        "kinds": KINDS.items(),
        "actions": Action.values,
        "newest": f"?{filters.query()}" if "start" in filters.given else "",
        "older": f"?{filters.query(start=found[SHOWN].pk)}" if len(found) > SHOWN else "",
        "csv": filters.query(format="csv"),
        "jsonl": filters.query(format="jsonl"),
    }
    return render(request, "pages/audit/list.html", context, status=status)


def _records(entries: Sequence[Entry]) -> list[Record]:
    """Return entries as they stand in a file."""
    return [
        {name: getattr(it, name) for name in COLUMNS}
        | {"at": timezone.localtime(it.at).isoformat(), "detail": it.text}
        for it in entries
    ]
