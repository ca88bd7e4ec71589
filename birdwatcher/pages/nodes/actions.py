"""Enable, disable and restart nodes, from their list or from the page of one node."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.urls import reverse

from birdwatcher.accounts.access import is_ours, operating
from birdwatcher.common.keys import number_in
from birdwatcher.daemon.models import Daemon, now_of
from birdwatcher.nodes import actions
from birdwatcher.nodes.models import Node
from birdwatcher.pages.nodes.filters import filtered, understand

MOST = 10_000  # nodes at once; databases limit the parameters of a statement


@dataclass(frozen=True)
class Action:
    """An action on nodes that are enabled, or on those that are disabled."""

    do: Callable[[Iterable[Node]], int]
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
        "Each commits what it has, ends, and is replaced; meanwhile its node is not connected.",
    ),
}


@operating
def act(request: HttpRequest) -> HttpResponse:
    """Do the action to one node, or, after a confirmation, to several."""
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
    changed = action.do(nodes)
    which = nodes[0].name if changed == 1 == len(nodes) else f"{changed:,} nodes"
    return _back(request, *_message(f"{action.done} {which}."))


def _message(text: str) -> tuple[int, str]:
    """Return the message after an action, with a warning if no daemon runs to carry it out."""
    daemon = Daemon.current()
    if daemon is not None and daemon.alive(daemon.now):
        return messages.SUCCESS, text
    return (
        messages.WARNING,
        f"{text} The daemon is not running; it will act on this when it starts.",
    )


def _asked(request: HttpRequest) -> tuple[str, Sequence[Node]]:
    """Return the name of the action and the chosen nodes."""
    name, _, only = request.POST.get("only", "").partition(" ")
    if only:
        return name, _with_keys([only])
    name = request.POST.get("action", "")
    if "every" in request.POST:
        # All nodes of the list, by the address with which it was shown.
        asked = understand(QueryDict(request.POST.get("list", "").removeprefix("?")).dict())
        if asked.complaints:
            return name, []
        now = now_of(daemon := Daemon.current())
        return name, list(filtered(asked, daemon, now).order_by("name", "pk")[:MOST])
    return name, _with_keys(request.POST.getlist("node") + request.POST.get("nodes", "").split(","))


def _with_keys(texts: Sequence[str]) -> Sequence[Node]:
    keys = {key for key in map(number_in, texts) if key is not None}
    return list(Node.objects.filter(pk__in=sorted(keys)[:MOST]).order_by("name", "pk"))


def _back(request: HttpRequest, level: int, text: str) -> HttpResponse:
    messages.add_message(request, level, text)
    return HttpResponseRedirect(_target(request))


def _target(request: HttpRequest) -> str:
    """Return the page of the form, or the list as it was."""
    page = request.POST.get("page", "")
    if is_ours(request, page):
        return page
    query = request.POST.get("list", "")
    return reverse("pages:nodes") + (query if query.startswith("?") else "")
