"""The filters, the order and the page of the list of nodes, as they stand in its address."""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field

from django import forms
from django.db.models import Q, QuerySet
from django.utils.http import urlencode

from birdwatcher.daemon.models import Daemon
from birdwatcher.daemon.node_states import WORDS, nodes_in
from birdwatcher.nodes.models import Node

# The orders of the list, each with the head of its column.
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


class Question(forms.Form):
    """The parameters of the list."""

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
    """The valid parameters, and a sentence about each invalid one."""

    q: str = ""
    state: str = ""
    enabled: str = ""
    sort: str = ""
    page: int = 1
    complaints: list[str] = field(default_factory=list)

    def query(self, **changes: str | int) -> str:
        """Return the query string of this list with some changes, at page 1."""
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
        """Whether a filter is set."""
        return bool(self.q or self.state or self.enabled)


def understand(parameters: Mapping[str, str]) -> Asked:
    """Return the parameters of an address, checked."""
    form = Question(parameters)
    complaints = [
        f"The {form[name].label.lower()} “{parameters.get(name, '')[:40]}” in the address "
        "does not exist: it was ignored."
        for name in form.errors
        if isinstance(name, str)
    ]
    given = {name: value for name, value in form.cleaned_data.items() if value}
    return Asked(**given, complaints=complaints)


def filtered(asked: Asked, daemon: Daemon | None, now: datetime.datetime) -> QuerySet[Node]:
    """Return the nodes that match the filters."""
    nodes = Node.objects.all()
    if asked.state:
        nodes = nodes.filter(nodes_in(asked.state, daemon, now))
    if asked.enabled:
        nodes = nodes.filter(enabled=asked.enabled == "yes")
    return nodes.filter(_with_text(asked.q)) if asked.q else nodes


def _with_text(text: str) -> Q:
    """Return the condition of nodes with `text` in their name or address."""
    found = Q(name__icontains=text) | Q(ip_address__icontains=text)
    host, port = split_address(text)
    if port is not None:
        found |= Q(port=port) & (Q(ip_address__icontains=host) if host else Q())
    return found


def split_address(text: str) -> tuple[str, int | None]:
    """Return host and port of `10.0.3.2:9999`, `[::1]:9999`, `:9999` or `9999`; else no port."""
    host, colon, port = text.strip().rpartition(":")
    if not (port.isascii() and port.isdigit() and len(port) <= 5):
        return text, None
    # An IPv6 address without brackets cannot be told from its port.
    if colon and ":" in host and not (host.startswith("[") and host.endswith("]")):
        return text, None
    return host.strip("[]"), int(port)
