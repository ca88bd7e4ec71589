"""The species and the nodes with the most birds: ranked, limited and counted by the database.

The nodes choose the names of species, so there may be any number of them. Only as many rows as are
asked for leave the database.
"""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from django.db.models import Count, QuerySet

from birdwatcher.birds.models import Species
from birdwatcher.common.database.tables import execute
from birdwatcher.nodes.models import Node
from birdwatcher.rollups.hours import split
from birdwatcher.rollups.models import HourlyCount, HourlyOfNode, HourlyOfSpecies, TotalCount
from birdwatcher.rollups.queries import (
    Moment,
    OneNode,
    OneSpecies,
    birds_within,
    filters_of,
    within,
)

M = TypeVar("M", Node, Species)


def by_species(
    start: Moment | None = None,
    end: Moment | None = None,
    *,
    node: OneNode = None,
    limit: int,
) -> list[tuple[Species, int]]:
    """Return the species heard from `start` up to `end`, each with its birds, most birds first.

    Of all time without the two; at most `limit` species. Of those with as many birds the older
    ones are among them: many new names must not push out the known ones.
    """
    return _ranked(Species, _parts("species", start, end, filters_of(node, None)), limit)


def by_node(
    start: Moment | None = None,
    end: Moment | None = None,
    *,
    species: OneSpecies = None,
    limit: int | None = None,
) -> list[tuple[Node, int]]:
    """Return the nodes that heard birds, each with their number, in the same way."""
    return _ranked(Node, _parts("node", start, end, filters_of(None, species)), limit)


def species_between(start: Moment, end: Moment) -> int:
    """Return how many species were heard from `start` up to `end`."""
    parts = _parts("species", start, end, {})
    if not parts:
        return 0
    rows, values = _together(parts)
    ((found,),) = execute(f"{rows} SELECT COUNT(DISTINCT it) FROM heard", *values)  # noqa: S608
    return int(found)


def _parts(
    column: str, start: Moment | None, end: Moment | None, filters: Mapping[str, Any]
) -> list[QuerySet[Any]]:
    """Return what is added up: keys in `column`, `species` or `node`, and numbers of birds."""
    if start is None or end is None:
        return [TotalCount.objects.filter(**filters).values_list(column, "birds")]
    whole, ragged = split(start, end)
    alone = HourlyOfSpecies if column == "species" else HourlyOfNode
    hours = within(HourlyCount if filters else alone, whole, filters).values_list(column, "birds")
    birds = (birds_within(span, filters).values_list(column) for span in ragged)
    return [*([hours] if whole else []), *(it.annotate(n=Count("pk")) for it in birds)]


def _together(parts: Sequence[QuerySet[Any]]) -> tuple[str, Sequence[Any]]:
    """Return the SQL of all `parts`, with the columns `it` and `birds`, and its values."""
    made = [part.query.sql_with_params() for part in parts]
    # A common table expression may name the columns, in both databases; a derived table may not.
    rows = " UNION ALL ".join(f"SELECT * FROM ({sql}) AS part" for sql, _ in made)  # noqa: S608
    return f"WITH heard (it, birds) AS ({rows})", [it for _, values in made for it in values]


def _ranked(
    model: type[M], parts: Sequence[QuerySet[Any]], limit: int | None
) -> list[tuple[M, int]]:
    """Return the rows with the most birds, at most `limit`; as many birds by their names."""
    if not parts or limit == 0:
        return []
    rows, values = _together(parts)
    most = "" if limit is None else f"LIMIT {limit:d}"
    ranked = execute(
        f"{rows} SELECT it, SUM(birds) FROM heard "  # noqa: S608
        f"GROUP BY it ORDER BY SUM(birds) DESC, it {most}",
        *values,
    )
    found = {key: int(birds) for key, birds in ranked}
    named = [(row, found[row.pk]) for row in model.objects.in_bulk(list(found)).values()]
    return sorted(named, key=lambda it: (-it[1], it[0].name, it[0].pk))
