"""Events that are set aside because their species are new: what people see and decide."""

from typing import Any, NamedTuple

from django.db import transaction
from django.db.models import Count
from django.utils import timezone

from birdwatcher.audit.models import Action
from birdwatcher.audit.record import record
from birdwatcher.birds.models import NewSpecies, SetAsideEvent
from birdwatcher.nodes.models import Node
from nodeproc.text import printable

MOST = 20_000  # events whose species are counted, so that a page stays quick


class Names(NamedTuple):
    """The species that the newest events set aside name."""

    total: int
    rows: list[tuple[str, int]]  # species, printable, and number of events, the largest first
    counted: int  # events


def names_of(node: Node, start: int, count: int) -> Names:
    """Return `count` of the species named, from place `start` on, by their number of events.

    The newest `MOST` events are counted. Raises django.db.Error.
    """
    events = SetAsideEvent.objects.filter(node=node)
    keys = events.order_by("-pk").values_list("pk", flat=True)
    counted = events.filter(pk__gte=keys[MOST - 1 : MOST].first() or 0).order_by()
    species = counted.values_list("species").annotate(number=Count("pk"))
    totals = counted.aggregate(species=Count("species", distinct=True), events=Count("pk"))
    shown = species.order_by("-number", "species")[start : start + count]
    rows = [(printable(name), number) for name, number in shown]
    return Names(totals["species"], rows, totals["events"])


def newest_of(node: Node) -> int:
    """Return the key of the newest event that is set aside of `node`, 0 without one."""
    keys = SetAsideEvent.objects.filter(node=node).order_by("-pk").values_list("pk", flat=True)
    return keys.first() or 0


def decide(node: Node, wish: str, up_to: int) -> bool:
    """Note for the writer what is to become of `node`'s events up to the key `up_to`; record it.

    Returns whether it was recorded: not if nothing is set aside, or an earlier wish is not carried
    out yet.
    """
    said = {
        NewSpecies.Wish.ADOPT: "Adopted what was set aside of it.",
        NewSpecies.Wish.DISCARD: "Discarded what was set aside of it.",
    }[NewSpecies.Wish(wish)]
    values: dict[str, Any] = {"wish": wish, "up_to": up_to, "wished_at": timezone.now()}
    with transaction.atomic():
        row = NewSpecies.objects.filter(node=node, events__gt=0, wish="")
        if not row.update(**values):
            return False
        record(Action.CHANGE, [node], said)
    return True
