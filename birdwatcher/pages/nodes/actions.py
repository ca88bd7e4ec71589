"""What people do to nodes: enable them, disable them, have their processes restarted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone

from birdwatcher.accounts.access import operating
from birdwatcher.accounts.addresses import is_ours
from birdwatcher.common.keys import key_in
from birdwatcher.daemon.models import Daemon
from birdwatcher.nodes import actions
from birdwatcher.nodes.models import Node
from birdwatcher.pages.nodes.filters import filtered, understand

MOST = 10_000  # nodes at once; databases bound what one statement may name


@dataclass(frozen=True)
class Action:
    """Something that can be done to nodes that are enabled, or to those that are not."""

    do: Callable[[Iterable[Node], Any], int]
    word: str
    done: str
    to_enabled: bool
    result: str


ACTIONS = {
    "enable": Action(
        actions.enable, "Enable", "Enabled", False, "The daemon will connect to them."
    ),
    "disable": Action(
        actions.disable,
        "Disable",
        "Disabled",
        True,
        "The daemon will disconnect from them and leave them alone. Their birds are kept.",
    ),
    "restart": Action(
        actions.restart,
        "Restart the processes of",
        "Restarting",
        True,
        "Each will commit what it has, end, and be replaced; meanwhile nobody listens to its node.",
    ),
}


@operating
def act(request: HttpRequest) -> HttpResponse:
    """Do what was asked for to one node, or, after a question, to many."""
    name, chosen = _asked(request)
    action = ACTIONS.get(name)
    if action is None or not chosen:
        return _back(request, messages.ERROR, "Nothing was done: choose nodes first.")
    nodes = [node for node in chosen if node.enabled == action.to_enabled]
    if not nodes:
        already = "is disabled" if action.to_enabled else "is enabled already"
        return _back(request, messages.WARNING, f"Nothing was done: each of them {already}.")
    if len(nodes) > 1 and "sure" not in request.POST:
        context = {
            "action": action,
            "name": name,
            "nodes": nodes,
            "keys": ",".join(str(node.pk) for node in nodes),
            "skipped": len(chosen) - len(nodes),
            "back": _target(request),
        }
        return render(request, "pages/nodes/confirm.html", context)
    changed = action.do(nodes, request.user)
    whom = nodes[0].name if changed == 1 == len(nodes) else f"{changed:,} nodes"
    return _back(request, *_told(f"{action.done} {whom}."))


def _told(text: str) -> tuple[int, str]:
    """Return the message after an action, which comes to nothing as long as no daemon runs."""
    daemon = Daemon.current()
    if daemon is not None and daemon.alive(timezone.now()):
        return messages.SUCCESS, text
    return messages.WARNING, f"{text} The daemon is not running; it will follow once it does."


def _asked(request: HttpRequest) -> tuple[str, Sequence[Node]]:
    """Return the name of the action, and the nodes that are chosen."""
    name, _, only = request.POST.get("only", "").partition(" ")
    if only:
        return name, _with_keys([only])
    name = request.POST.get("action", "")
    if "every" in request.POST:
        # The same nodes as the list shows, by the address that it was shown under.
        asked = understand(QueryDict(request.POST.get("list", "").removeprefix("?")).dict())
        if asked.complaints:
            return name, []
        now = timezone.now()
        return name, list(filtered(asked, Daemon.current(), now).order_by("name", "pk")[:MOST])
    return name, _with_keys(request.POST.getlist("node") + request.POST.get("nodes", "").split(","))


def _with_keys(texts: Sequence[str]) -> Sequence[Node]:
    keys = {key for key in map(key_in, texts) if key is not None}
    return list(Node.objects.filter(pk__in=sorted(keys)[:MOST]).order_by("name", "pk"))


def _back(request: HttpRequest, level: int, text: str) -> HttpResponse:
    messages.add_message(request, level, text)
    return HttpResponseRedirect(_target(request))


def _target(request: HttpRequest) -> str:
    """Return where to go on: the page it was asked on, or the list as it was."""
    page = request.POST.get("page", "")
    if is_ours(request, page):
        return page
    query = request.POST.get("list", "")
    return reverse("pages:nodes") + (query if query.startswith("?") else "")
