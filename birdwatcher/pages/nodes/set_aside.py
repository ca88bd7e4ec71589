"""The page of what is set aside of a node, and the decision what becomes of it."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse

from birdwatcher.accounts.access import deciding, may_decide, reading
from birdwatcher.birds import set_aside
from birdwatcher.birds.models import NewSpecies
from birdwatcher.birds.species import new_a_day
from birdwatcher.common.keys import number_in
from birdwatcher.daemon.models import Daemon
from birdwatcher.nodes.models import Node

PAGE = 50  # species
Wish = NewSpecies.Wish


@reading
def page(request: HttpRequest, pk: int) -> HttpResponse:
    """Show what is set aside of a node. Raises Http404 if there is none with the key `pk`."""
    node = _node(pk)
    row = _row(node)
    daemon = Daemon.current()
    context: dict[str, Any] = {
        "node": node,
        "row": row,
        "bound": new_a_day(node.new_species_a_day),
        "quota": settings.BIRDWATCHER.set_aside_bytes,
        "daemon": daemon,
        "daemon_alive": daemon is not None and daemon.alive(daemon.now),
        "may_decide": may_decide(request.user),
    }
    # A hostile node chooses the names: they are for people who decide about them, not the public.
    if request.user.is_authenticated:
        context |= _names(request, node)
    return render(request, "pages/nodes/set_aside.html", context)


def _names(request: HttpRequest, node: Node) -> dict[str, Any]:
    """Return the context of the list of species."""
    number = max(number_in(request.GET.get("page", "1")) or 1, 1)
    most = set_aside.MOST // PAGE
    number = min(number, most)
    names = set_aside.names_of(node, (number - 1) * PAGE, PAGE)
    return {
        "names": names,
        "most": set_aside.MOST,
        "previous": number - 1,
        "next": number + 1 if number * PAGE < names.total else 0,
        "shown_from": (number - 1) * PAGE + 1,
        "shown_to": (number - 1) * PAGE + len(names.rows),
    }


@deciding
def act(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask whether all is to be adopted or discarded; then record it for the daemon.

    Raises Http404 if there is no node with the key `pk`.
    """
    node = _node(pk)
    wish = request.POST.get("wish", "")
    row = _row(node)
    if wish not in Wish.values or not row.events:
        return _back(request, node, messages.ERROR, "Nothing was done: nothing is set aside.")
    up_to = number_in(request.POST.get("up_to", ""))
    if up_to is None:
        context = {
            "node": node,
            "row": row,
            "wish": wish,
            "up_to": set_aside.newest_of(node),
            "names": set_aside.names_of(node, 0, 0),
            "most": set_aside.MOST,
        }
        return render(request, "pages/nodes/set_aside_confirm.html", context)
    if not set_aside.decide(node, wish, up_to):
        text = "Nothing was done: an earlier decision is being carried out."
        return _back(request, node, messages.WARNING, text)
    daemon = Daemon.current()
    if daemon is None or not daemon.alive(daemon.now):
        text = "This is recorded. The daemon is not running; it will do it when it starts."
        return _back(request, node, messages.WARNING, text)
    doing = "adopting" if wish == Wish.ADOPT else "discarding"
    text = f"The daemon is {doing} what was set aside of {node.name}."
    return _back(request, node, messages.SUCCESS, text)


def _node(pk: int) -> Node:
    return get_object_or_404(Node.objects.select_related("new_species"), pk=pk)


def _row(node: Node) -> NewSpecies:
    """Return what is set aside of `node`, perhaps nothing."""
    row: NewSpecies | None = getattr(node, "new_species", None)
    return row or NewSpecies(node=node)


def _back(request: HttpRequest, node: Node, level: int, text: str) -> HttpResponse:
    messages.add_message(request, level, text)
    return HttpResponseRedirect(reverse("pages:node-set-aside", args=[node.pk]))
