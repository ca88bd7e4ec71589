"""The page of the daemon, its processes, and the database."""

import datetime
import platform
from typing import Any

import django
from django.db.models import Case, Count, F, IntegerField, Min, Sum, When
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.http import urlencode

from birdwatcher.accounts.access import reading
from birdwatcher.common.database import engine
from birdwatcher.common.keys import number_in
from birdwatcher.daemon.models import DaemonProcess
from birdwatcher.health.examination import read_facts
from birdwatcher.health.judgement import Grade, judge
from birdwatcher.pages.sorting import asked_next, sorted_as
from birdwatcher.pages.system.sizes import extents
from supervisor import VERSION

PAGE = 50  # processes
WORDS = {
    Grade.OK: ("info", "All is well."),
    Grade.WARNING: ("warning", "Something needs attention."),
    Grade.CRITICAL: ("error", "Birds are being missed, or soon will be."),
}
ROLE = Case(
    *(When(role=role, then=rank) for rank, role in enumerate(DaemonProcess.ROLES)),
    output_field=IntegerField(),
)
# The columns: head, expression, and whether the first click sorts the largest first.
ORDERS: dict[str, tuple[str, Any, bool]] = {
    "role": ("Process", ROLE, False),
    "pid": ("Process id", F("pid"), False),
    "memory": ("Memory", F("resident_bytes"), True),
    "cpu": ("CPU", F("cpu_percent"), True),
    "up": ("Up for", F("started_at"), False),
}


@reading
def system(request: HttpRequest) -> HttpResponse:
    """Show the state of the daemon, its processes, and the database."""
    verdict = judge(facts := read_facts())
    tone, words = WORDS[verdict.grade]
    alive = facts.daemon is not None and facts.daemon.alive(facts.now)
    context: dict[str, Any] = {
        "daemon": facts.daemon,
        "daemon_alive": alive,
        "up": facts.now - facts.daemon.started_at if facts.daemon else None,
        "verdict": verdict,
        "tone": tone,
        "words": words,
        "commit": _milliseconds(facts.daemon.commit_seconds if facts.daemon else None),
        "storage": engine().facts(),
        "tables": extents(),
        "version": VERSION,
        "python": platform.python_version(),
        "django": django.get_version(),
        "system": f"{platform.system()} {platform.release()}",
    }
    context |= _processes(request, facts.now, alive=alive)
    return render(request, "pages/system/system.html", context)


def _processes(request: HttpRequest, now: datetime.datetime, *, alive: bool) -> dict[str, Any]:
    """Return the page of processes; there are none if the daemon is gone."""
    complaints = []
    asked = request.GET.get("sort", "role")
    column = asked.removeprefix("-")
    if column not in ORDERS:
        complaints.append(f"There is no order “{asked[:40]}”: this is the usual one.")
        asked = column = "role"
    rows = DaemonProcess.objects.select_related("node") if alive else DaemonProcess.objects.none()
    total = rows.aggregate(
        count=Count("pk"), memory=Sum("resident_bytes"), cpu=Sum("cpu_percent"), seen=Min("seen_at")
    )
    last = max(1, -(-total["count"] // PAGE))
    page = _page(request.GET.get("page", "1"), last, complaints)
    order = ORDERS[column][1]
    order = order.desc() if asked.startswith("-") else order.asc()
    shown = list(rows.order_by(order, "node__name", "pk")[(page - 1) * PAGE : page * PAGE])
    return {
        "processes": [(process, now - process.started_at) for process in shown],
        "total": total,
        "complaints": complaints,
        "heads": [_head(name, asked) for name in ORDERS],
        "previous": _query(asked, page - 1) if page > 1 else "",
        "next": _query(asked, page + 1) if page < last else "",
        "shown_from": (page - 1) * PAGE + 1,
        "shown_to": (page - 1) * PAGE + len(shown),
    }


def _page(text: str, last: int, complaints: list[str]) -> int:
    """Return the number of the page; add a complaint if it does not exist."""
    number = number_in(text) or 0
    if 1 <= number <= last:
        return number
    complaints.append(f"There is no page “{text[:40]}”: this is the first.")
    return 1


def _head(name: str, asked: str) -> dict[str, str]:
    title, _, largest_first = ORDERS[name]
    url = _query(asked_next(name, asked, largest_first=largest_first), 1)
    return {"name": name, "title": title, "url": url, "sorted": sorted_as(name, asked)}


def _query(sort: str, page: int) -> str:
    given = ({"sort": sort} if sort != "role" else {}) | ({"page": page} if page > 1 else {})
    return f"?{urlencode(given)}"


def _milliseconds(seconds: float | None) -> str | None:
    if seconds is None:
        return None
    return f"{seconds * 1e3:.1f}" if seconds < 0.1 else f"{seconds * 1e3:,.0f}"
