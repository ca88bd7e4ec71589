"""All nodes and how they fare."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from birdwatcher.accounts.access import reading
from birdwatcher.daemon.models import Daemon
from birdwatcher.daemon.node_states import tone
from birdwatcher.pages.listing import (
    COLUMNS,
    LARGEST_FIRST,
    PAGE,
    Asked,
    filtered,
    ordered,
    understand,
    urgency,
)
from birdwatcher.pages.rows import rows_of, states
from birdwatcher.pages.sorting import asked_next, sorted_as

# Columns that stand above each other in one of the table's.
HEADS = (
    ("name", "address"),
    ("state",),
    ("since",),
    ("heard",),
    ("rate",),
    ("reconnects",),
    ("pid",),
    ("memory", "cpu"),
    ("next",),
)


@reading
def nodes(request: HttpRequest) -> HttpResponse:
    """Show the list of nodes that the address asks for."""
    asked = understand(request.GET.dict())
    daemon, now = Daemon.current(), timezone.now()
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
        "heads": _heads(asked),
        "pages": _pages(asked, page, last),
    }
    if asked.page > last:
        asked.complaints.append(f"There is no page {asked.page:,}: this is the last.")
    return render(request, "pages/nodes.html", context)


def _chips(asked: Asked, counts: dict[str, int]) -> list[dict[str, Any]]:
    """Return the states to choose from: those that there are, and the one that was chosen."""
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


def _heads(asked: Asked) -> list[dict[str, Any]]:
    """Return the heads of the table: links that order by a column, or by it the other way round."""
    order = asked.sort or "name"
    return [
        {
            "names": " ".join(names),
            "links": [_order_link(name, asked, order) for name in names],
            "sorted": "".join(sorted_as(name, order) for name in names),
        }
        for names in HEADS
    ]


def _order_link(name: str, asked: Asked, order: str) -> dict[str, Any]:
    following = asked_next(name, order, largest_first=name in LARGEST_FIRST)
    return {
        "name": name,
        "title": COLUMNS[name],
        "url": asked.query(sort=following),
        "chosen": bool(sorted_as(name, order)),
    }


def _pages(asked: Asked, page: int, last: int) -> dict[str, Any]:
    return {
        "number": page,
        "last": last,
        "previous": asked.query(page=page - 1) if page > 1 else "",
        "next": asked.query(page=page + 1) if page < last else "",
    }
