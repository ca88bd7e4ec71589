"""The order of the list of nodes, and the heads of its columns.

Each query reads all nodes at most. Each node has a process, so there are a few thousand.
"""

import datetime
import ipaddress
from collections.abc import Callable
from typing import Any

from django.db.models import Case, F, IntegerField, OuterRef, QuerySet, Subquery, When

from birdwatcher.daemon.models import Daemon, DaemonProcess
from birdwatcher.daemon.node_states import nodes_in
from birdwatcher.nodes.models import Node
from birdwatcher.nodes.rates import counted
from birdwatcher.pages.nodes.filters import COLUMNS, Asked
from birdwatcher.pages.nodes.summary import URGENCY
from birdwatcher.pages.sorting import asked_next, sorted_as

# Columns whose largest values are the interesting ones.
LARGEST_FIRST = {"heard", "rate", "reconnects", "memory", "cpu", "since"}
# Columns that share a column of the table are grouped.
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


def heads(asked: Asked) -> list[dict[str, Any]]:
    """Return the heads of the table: links that order by a column, or reverse its order."""
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


def ordered(nodes: QuerySet[Node], asked: Asked, now: datetime.datetime, rank: Any) -> list[int]:
    """Return the keys of `nodes` in the order of `asked`; `rank` orders their states."""
    name = asked.sort.removeprefix("-")
    backwards = asked.sort.startswith("-")
    if name in IN_PYTHON:
        columns, key = IN_PYTHON[name]
        rows = list(nodes.order_by("name", "pk").values_list("pk", *columns))
        rows.sort(key=lambda row: key(now, *row[1:]), reverse=backwards)
        return [row[0] for row in rows]
    column = rank if name == "state" else IN_DATABASE.get(name, F("name"))
    first = column.desc(nulls_last=True) if backwards else column.asc(nulls_last=True)
    return list(nodes.order_by(first, "name", "pk").values_list("pk", flat=True))


def urgency(daemon: Daemon | None, now: datetime.datetime) -> Case:
    """Return the expression that orders nodes by their states."""
    return Case(
        *(When(nodes_in(word, daemon, now), then=rank) for rank, word in enumerate(URGENCY)),
        default=len(URGENCY),
        output_field=IntegerField(),
    )


def _measured(column: str) -> Subquery:
    """Return a column of the newest measurement of a node's process."""
    newest = DaemonProcess.objects.filter(node=OuterRef("pk")).order_by("-started_at", "-pk")
    return Subquery(newest.values(column)[:1])


IN_DATABASE: dict[str, Any] = {
    "name": F("name"),
    "since": Case(When(enabled=True, then=F("status__since"))),
    "heard": F("status__last_event_at"),
    "reconnects": F("status__reconnects"),
    "pid": F("status__pid"),
    "memory": _measured("resident_bytes"),
    "cpu": _measured("cpu_percent"),
    "next": F("status__next_try"),
}


def _rate_key(now: datetime.datetime, recent: list[int] | None, minute: Any) -> int:
    return sum(counted(recent or [], minute, now))


def _address_key(now: datetime.datetime, address: str, port: int) -> Any:
    # IPv4 before IPv6, each as a number.
    parsed = ipaddress.ip_address(address)
    return parsed.version, int(parsed), port


# Orders that databases cannot express: the columns they need, and the key made of those.
IN_PYTHON: dict[str, tuple[list[str], Callable[..., Any]]] = {
    "address": (["ip_address", "port"], _address_key),
    "rate": (["status__recent", "status__recent_minute"], _rate_key),
}
