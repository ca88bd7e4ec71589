"""The list of species with their totals, in any order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
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


def listed(asked: Asked) -> tuple[list[Any], bool]:
    """Return the species of the page, and whether there are more."""
    species: QuerySet[Species] = Species.objects.all()
    if asked.text:
        species = species.filter(name__icontains=asked.text)
    keys = _ordered(species, asked.order).values_list("pk", flat=True)
    first = (asked.number - 1) * SIZE
    shown = list(keys[first : first + SIZE + 1])
    # The other columns are computed for the species of this page alone.
    rows = with_columns(Species.objects.filter(pk__in=shown[:SIZE])).in_bulk()
    return [rows[key] for key in shown[:SIZE] if key in rows], len(shown) > SIZE


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
