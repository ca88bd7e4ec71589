"""The list of nodes as a page's address asks for it: which of them, in which order, which page.

The cost is bounded by the number of nodes, each of which has a process of its own: a few thousand.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django import forms
from django.db.models import Case, F, IntegerField, OuterRef, Q, QuerySet, Subquery, When
from django.utils.http import urlencode

from birdwatcher.daemon.models import Daemon, DaemonProcess
from birdwatcher.daemon.node_states import WORDS, nodes_in
from birdwatcher.nodes.models import Node
from birdwatcher.nodes.rates import counted
from birdwatcher.pages.addresses import address_key, split_address
from birdwatcher.pages.rows import URGENCY

PAGE = 50  # nodes

COLUMNS = {
    "name": "Node",
    "address": "Address",
    "state": "State",
    "since": "Since",
    "heard": "Last event",
    "rate": "Events a minute",
    "reconnects": "Reconnects",
    "pid": "Process",
    "memory": "Memory",
    "cpu": "CPU",
    "next": "Next try",
}
# Those columns in which the largest is what one looks for.
LARGEST_FIRST = {"heard", "rate", "reconnects", "memory", "cpu", "since"}


class Question(forms.Form):
    """What the address of the list asks for."""

    q = forms.CharField(label="text", required=False, max_length=255)
    state = forms.ChoiceField(choices=[(word, word) for word in WORDS], required=False)
    enabled = forms.ChoiceField(choices=[("yes", "enabled"), ("no", "disabled")], required=False)
    sort = forms.ChoiceField(
        label="order",
        choices=[(f"{sign}{name}", name) for name in COLUMNS for sign in ("", "-")],
        required=False,
    )
    page = forms.IntegerField(min_value=1, max_value=1_000_000, required=False)


@dataclass(frozen=True)
class Asked:
    """What can be understood of an address, and a sentence on everything that cannot."""

    q: str = ""
    state: str = ""
    enabled: str = ""
    sort: str = ""
    page: int = 1
    complaints: list[str] = field(default_factory=list)

    def query(self, **changes: str | int) -> str:
        """Return the query string of this list with some changes; it begins again at page 1."""
        kept: dict[str, str | int] = {
            "q": self.q,
            "state": self.state,
            "enabled": self.enabled,
            "sort": self.sort,
        }
        given = {name: value for name, value in (kept | changes).items() if value not in {"", 1}}
        return f"?{urlencode(given)}"

    @property
    def is_filtered(self) -> bool:
        """Whether it asks for less than all nodes."""
        return bool(self.q or self.state or self.enabled)


def understand(parameters: Mapping[str, str]) -> Asked:
    """Return what the parameters of an address ask for."""
    form = Question(parameters)
    complaints = [
        f"The address asks for the {form[name].label.lower()} “{parameters.get(name, '')[:40]}”, "
        "which there is not: it was left out."
        for name in form.errors
        if isinstance(name, str)
    ]
    given = {name: value for name, value in form.cleaned_data.items() if value}
    return Asked(**given, complaints=complaints)


def filtered(asked: Asked, daemon: Daemon | None, now: datetime.datetime) -> QuerySet[Node]:
    """Return the nodes that `asked` asks for."""
    nodes = Node.objects.all()
    if asked.state:
        nodes = nodes.filter(nodes_in(asked.state, daemon, now))
    if asked.enabled:
        nodes = nodes.filter(enabled=asked.enabled == "yes")
    return nodes.filter(_with_text(asked.q)) if asked.q else nodes


def ordered(nodes: QuerySet[Node], asked: Asked, now: datetime.datetime, rank: Any) -> list[int]:
    """Return the keys of `nodes` in the order that `asked` asks for; `rank` is of their states."""
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
    """Return by what nodes are ordered if it is by their states."""
    return Case(
        *(When(nodes_in(word, daemon, now), then=rank) for rank, word in enumerate(URGENCY)),
        default=len(URGENCY),
        output_field=IntegerField(),
    )


def _with_text(text: str) -> Q:
    """Return the condition of the nodes with `text` in their names or addresses."""
    found = Q(name__icontains=text) | Q(ip_address__icontains=text)
    host, port = split_address(text)
    if port is not None:
        found |= Q(port=port) & (Q(ip_address__icontains=host) if host else Q())
    return found


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
    return address_key(address), port


# By what no database orders as people do: the columns it takes, and the key made of them.
IN_PYTHON: dict[str, tuple[list[str], Callable[..., Any]]] = {
    "address": (["ip_address", "port"], _address_key),
    "rate": (["status__recent", "status__recent_minute"], _rate_key),
}
