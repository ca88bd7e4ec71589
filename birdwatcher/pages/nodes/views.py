"""The list of nodes, and the page of one node."""

import datetime
from typing import Any

from django.db.models import Count, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.http import urlencode

from birdwatcher.accounts.access import may_see_raw, reading
from birdwatcher.birds.models import Bird
from birdwatcher.common.keys import number_in
from birdwatcher.daemon.models import Daemon, now_of
from birdwatcher.daemon.node_states import tone
from birdwatcher.nodes.models import Node
from birdwatcher.nodes.rates import share_of
from birdwatcher.pages.charts import bars
from birdwatcher.pages.nodes import history, timeline
from birdwatcher.pages.nodes.advice import advise
from birdwatcher.pages.nodes.filters import Asked, filtered, understand
from birdwatcher.pages.nodes.summary import Row, processes_of, row_of, rows_of, states
from birdwatcher.pages.nodes.table import heads, ordered, urgency
from birdwatcher.rollups.models import TotalCount
from birdwatcher.rollups.queries import per_hour

PAGE = 50  # nodes

SPANS = {
    "24h": ("24 hours", datetime.timedelta(hours=24), "%H:%M"),
    "7d": ("7 days", datetime.timedelta(days=7), "%a %d %b"),
}
USUAL = "24h"
TICKS = 4  # parts into which the axis under the band is divided
NEWEST_BIRDS = 20
CURSORS = ("changes", "packets", "log")


@reading
def nodes(request: HttpRequest) -> HttpResponse:
    """Show the list of nodes."""
    asked = understand(request.GET.dict())
    now = now_of(daemon := Daemon.current())
    found = ordered(filtered(asked, daemon, now), asked, now, urgency(daemon, now))
    last = max(1, -(-len(found) // PAGE))
    page = min(asked.page, last)
    context = {
        "asked": asked,
        "daemon": daemon,
        "daemon_alive": daemon is not None and daemon.alive(now),
        "rows": rows_of(found[(page - 1) * PAGE : page * PAGE], daemon, now),
        "found": len(found),
        "shown_from": (page - 1) * PAGE + 1,
        "shown_to": min(page * PAGE, len(found)),
        "chips": _chips(asked, states(daemon, now)),
        "heads": heads(asked),
        "pages": _pages(asked, page, last),
    }
    if asked.page > last:
        asked.complaints.append(f"There is no page {asked.page:,}: this is the last.")
    return render(request, "pages/nodes/list.html", context)


def _chips(asked: Asked, counts: dict[str, int]) -> list[dict[str, Any]]:
    """Return the states to choose from: those that occur, and the chosen one."""
    every = {"word": "all", "count": sum(counts.values()), "url": asked.query(state="")}
    if asked.state:
        counts = {asked.state: 0} | counts
    chips = [
        {
            "word": word,
            "tone": tone(word),
            "count": count,
            "url": asked.query(state=word),
            "chosen": word == asked.state,
        }
        for word, count in counts.items()
    ]
    return [every | {"tone": "", "chosen": not asked.state}, *chips]


def _pages(asked: Asked, page: int, last: int) -> dict[str, Any]:
    return {
        "number": page,
        "last": last,
        "previous": asked.query(page=page - 1) if page > 1 else "",
        "next": asked.query(page=page + 1) if page < last else "",
    }


@reading
def node(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one node. Raises Http404 if there is none with the key `pk`."""
    node = get_object_or_404(Node.objects.select_related("status", "new_species"), pk=pk)
    now = now_of(daemon := Daemon.current())
    row = row_of(node, daemon, now, processes_of([pk]).get(pk, []))
    over, cursors, complaints = _understand(request)
    error = row.current.error if row.current else ""
    share = share_of(pk, now)
    context: dict[str, Any] = {
        "node": node,
        "row": row,
        "daemon": daemon,
        "daemon_alive": daemon is not None and daemon.alive(now),
        "advice": advise(node, row.state, error),
        "complaints": complaints,
        "share": None if share is None else round(100 * share, 1),
        "total": TotalCount.objects.filter(node=node).aggregate(
            birds=Sum("birds"), species=Count("pk")
        ),
        "newest": Bird.objects.filter(node=node)
        .dated(doubtfully=False)
        .select_related("species")[:NEWEST_BIRDS],
        "spans": _spans(over),
        "over": over,
        "up": now - row.process.started_at if row.process else None,
        "page": request.get_full_path(),
    }
    context |= _band(row, daemon, now, over) | _records(request, node, cursors)
    # A refresh does not update the chart.
    if not request.headers.get("HX-Request"):
        context["chart"] = _chart(node, now, over)
    return render(request, "pages/nodes/node.html", context)


def _understand(request: HttpRequest) -> tuple[str, dict[str, int | None], list[str]]:
    """Return the span, where each table begins, and a sentence about each invalid parameter."""
    complaints = []
    over = request.GET.get("over", USUAL)
    if over not in SPANS:
        complaints.append(f"There is no time range “{over[:40]}”: this is the last 24 hours.")
        over = USUAL
    cursors: dict[str, int | None] = {}
    for name in CURSORS:
        text = request.GET.get(name, "")
        cursors[name] = number_in(text)
        if text and cursors[name] is None:
            complaints.append(
                f"“{text[:40]}” is not a position in the {name}: these are the newest."
            )
    return over, cursors, complaints


def _spans(over: str) -> list[dict[str, Any]]:
    return [
        {"title": title, "url": f"?{urlencode({'over': name})}", "chosen": name == over}
        for name, (title, *_) in SPANS.items()
    ]


def _band(row: Row, daemon: Daemon | None, now: datetime.datetime, over: str) -> dict[str, Any]:
    """Return the context of the band of states."""
    title, length, form = SPANS[over]
    start = now - length
    known_until = now
    if daemon is not None and not daemon.alive(now):
        known_until = daemon.stopped_at or daemon.seen_at
    found = timeline.stretches(history.states(row.node, start), start, now, known_until=known_until)
    ticks = [timezone.localtime(start + number * length / TICKS) for number in range(TICKS)]
    share = timeline.connected_share(found)
    return {
        "span_title": title,
        "marks": timeline.marks(found),
        "shares": timeline.shares(found),
        "connected": None if share is None else 100 * share,
        "ticks": [tick.strftime(form) for tick in ticks],
        "band_width": timeline.WIDTH,
    }


def _records(request: HttpRequest, node: Node, cursors: dict[str, int | None]) -> dict[str, Any]:
    """Return the tables of the history, each with the address of its older rows."""
    changes, changes_part = history.changes(node, cursors["changes"])
    parts: dict[str, history.Slice[Any]] = {
        "changes": changes_part,
        "packets": history.packets(node, cursors["packets"]),
    }
    # The public must not see the names of users.
    if request.user.is_authenticated:
        parts["log"] = history.log(node, cursors["log"])
    kept = {name: text for name, text in request.GET.dict().items() if name in {"over", *CURSORS}}
    older = {
        name: f"?{urlencode(kept | {name: part.older})}#{name}"
        for name, part in parts.items()
        if part.older is not None
    }
    newest = {
        name: f"?{urlencode({key: text for key, text in kept.items() if key != name})}#{name}"
        for name, part in parts.items()
        if not part.is_newest
    }
    shown = {"changes": changes, "shows_raw": may_see_raw(request.user)}
    return {**shown, "parts": parts, "older": older, "newer": newest}


def _chart(node: Node, now: datetime.datetime, over: str) -> dict[str, Any]:
    """Return the chart of birds by the hour."""
    form = "%H:%M" if over == USUAL else "%a %d %b %H:%M"
    hours = per_hour(now - SPANS[over][1], now, node=node)
    return bars([timezone.localtime(hour).strftime(form) for hour in hours], hours.values())
