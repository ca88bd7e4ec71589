"""The list of species with their totals, in any order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from django.db.models import Aggregate, BigIntegerField, Count, F, OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from birdwatcher.birds.models import Bird, Species
from birdwatcher.common.keys import number_in
from birdwatcher.pages.sorting import asked_next, sorted_as
from birdwatcher.rollups.models import TotalCount

SIZE = 100  # species on a page
FARTHEST = 10_000  # the last page
ORDER = "-total"
# The nodes choose how many species there are. Beyond this many, only these orders are possible:
# each other one looks for the birds of every species, for each page.
SORTED = 20_000
ALWAYS = {"name", "-name", ORDER}


def _total(aggregate: Aggregate) -> Coalesce:
    """Return an aggregate of the total counts of each species, one for each node; 0 without any."""
    totals = TotalCount.objects.filter(species=OuterRef("pk")).order_by().values("species")
    found = totals.annotate(n=aggregate).values("n")
    return Coalesce(Subquery(found, output_field=BigIntegerField()), 0)


def _edge(*order: str) -> Subquery:
    """Return when the first or last bird was heard: one step into an index per species."""
    birds = Bird.objects.dated(doubtfully=False).filter(species=OuterRef("pk"))
    return Subquery(birds.order_by(*order).values("timestamp")[:1])


# The columns by which the list can be sorted, each with its expression.
COLUMNS = {
    "name": None,
    "total": _total(Sum("birds")),
    "nodes": _total(Count("pk")),
    "first": _edge("timestamp", "id"),
    "last": _edge("-timestamp", "-id"),
}
HEADS = {
    "name": "Species",
    "total": "Birds",
    "nodes": "Nodes",
    "first": "First heard",
    "last": "Last heard",
}


@dataclass(frozen=True)
class Asked:
    """The parameters of the page, and a sentence about each invalid one in `complaints`."""

    text: str
    order: str
    number: int  # of the page, from 1
    complaints: tuple[str, ...]

    @classmethod
    def read(cls, given: Mapping[str, str]) -> Asked:
        """Return the parameters of an address, checked."""
        complaints = []
        text, order = given.get("q", "").strip(), given.get("order", "") or ORDER
        if "\0" in text or len(text) > 255:
            text = ""
            complaints.append("No species has such a name.")
        if order.removeprefix("-") not in COLUMNS:
            complaints.append(f"Species cannot be sorted by “{order}”.")
            order = ORDER
        page = given.get("page", "") or "1"
        number = number_in(page) or 0
        if not 1 <= number <= FARTHEST:
            complaints.append(f"There is no page “{page}”.")
            number = 1
        return cls(text, order, number, tuple(complaints))

    def query(self, **other: Any) -> str:
        """Return the query string of this page, with some parameters replaced by `other`."""
        order = "" if self.order == ORDER else self.order
        given = {"q": self.text, "order": order, "page": self.number if self.number > 1 else ""}
        return urlencode({name: value for name, value in {**given, **other}.items() if value})

    def heads(self) -> Iterable[dict[str, str]]:
        """Yield the head of each column, with the query that sorts by it."""
        for name, title in HEADS.items():
            order = asked_next(name, self.order, largest_first=name != "name")
            yield {
                "name": name,
                "title": title,
                "sorted": sorted_as(name, self.order),
                "query": self.query(order="" if order == ORDER else order, page=""),
            }


def affordable(asked: Asked) -> Asked:
    """Return what was asked, or a question in another order if there are too many species."""
    if asked.order in ALWAYS or not _are_many(asked):
        return asked
    complaint = f"There are more than {SORTED:,} species: they cannot be sorted so."
    return replace(asked, order=ORDER, complaints=(*asked.complaints, complaint))


def listed(asked: Asked) -> tuple[list[Any], bool]:
    """Return the species of the page, and whether there are more.

    If there are too many species, those without birds are missing from the usual order.
    """
    first = (asked.number - 1) * SIZE
    if asked.order == ORDER and _are_many(asked):
        keys = _ranked(asked)
    else:
        keys = _ordered(_named(asked), asked.order).values_list("pk", flat=True)
    shown = list(keys[first : first + SIZE + 1])
    # The other columns are computed for the species of this page alone.
    rows = with_columns(Species.objects.filter(pk__in=shown[:SIZE])).in_bulk()
    return [rows[key] for key in shown[:SIZE] if key in rows], len(shown) > SIZE


def _named(asked: Asked) -> QuerySet[Species]:
    """Return the species with the wanted text in their names."""
    species: QuerySet[Species] = Species.objects.all()
    return species.filter(name__icontains=asked.text) if asked.text else species


def _are_many(asked: Asked) -> bool:
    return bool(_named(asked).order_by().values_list("pk")[SORTED : SORTED + 1])


def _ranked(asked: Asked) -> QuerySet[Any]:
    """Return the keys of the wanted species by their birds, the older species first if equal."""
    totals = TotalCount.objects.order_by().values("species").annotate(n=Sum("birds"))
    if asked.text:
        totals = totals.filter(species__name__icontains=asked.text)
    return totals.order_by("-n", "species").values_list("species", flat=True)


def with_columns(species: QuerySet[Species]) -> QuerySet[Any]:
    """Return the species with all columns."""
    made = {name: column for name, column in COLUMNS.items() if column is not None}
    return species.order_by().annotate(**made)


def _ordered(species: QuerySet[Species], order: str) -> QuerySet[Species]:
    name = order.removeprefix("-")
    if COLUMNS[name] is not None:
        species = species.annotate(**{name: COLUMNS[name]})
    by = F(name)
    # Species without a date come last in both directions.
    way = by.desc(nulls_last=True) if order.startswith("-") else by.asc(nulls_last=True)
    return species.order_by(way, "name", "pk")
