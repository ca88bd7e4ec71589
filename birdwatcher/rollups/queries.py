"""Queries of the counts for pages: the results are exact, and need a few index ranges.

Whole hours are read from the counts, ragged ends of less than an hour from the birds themselves.
Birds with a doubtful time count like all others. Nodes and species may be given as their keys, too.
The nodes choose how many species there are, so nothing here reads a row for each of them into
memory: the database adds, ranks (`ranking`) and counts.
"""

import datetime
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db import connection
from django.db.models import Count, DateTimeField, Model, QuerySet, Sum
from django.db.models.expressions import RawSQL

from birdwatcher.birds.models import Bird, Species
from birdwatcher.common.database.tables import execute
from birdwatcher.common.units import HOUR
from birdwatcher.nodes.models import Node
from birdwatcher.rollups.hours import Span, hour_of, split
from birdwatcher.rollups.models import HourlyCount, HourlyOfNode, HourlyOfSpecies

OneNode = Node | int | None
OneSpecies = Species | int | None
Moment = datetime.datetime


def birds_between(
    start: Moment, end: Moment, *, node: OneNode = None, species: OneSpecies = None
) -> int:
    """Return how many birds were heard from `start` up to, and without, `end`."""
    filters = filters_of(node, species)
    whole, ragged = split(start, end)
    counted = within(table_of(filters), whole, filters).aggregate(n=Sum("birds"))["n"] or 0
    return counted + sum(birds_in(ragged, filters))


def per_hour(
    start: Moment, end: Moment, *, node: OneNode = None, species: OneSpecies = None
) -> dict[Moment, int]:
    """Return how many birds were heard in each hour of UTC from `start` to `end`, in order.

    By the start of the hour; hours without birds are there too. Of the first and the last hour only
    what lies between `start` and `end` is counted.
    """
    filters = filters_of(node, species)
    whole, ragged = split(start, end)
    rows = within(table_of(filters), whole, filters).values_list("hour").annotate(n=Sum("birds"))
    found = Counter(dict(rows))
    for span, birds in zip(ragged, birds_in(ragged, filters), strict=True):
        found[hour_of(span.start)] += birds
    first = hour_of(start)
    hours = (first + number * HOUR for number in range(-((first - end) // HOUR)))
    return {hour: found[hour] for hour in hours}


def species_by_hour(
    start: Moment, end: Moment, species: Sequence[Species]
) -> dict[Species, dict[Moment, int]]:
    """Return the birds of each of `species` heard from `start` up to `end`, by the hour of UTC.

    Species in the order given, hours in theirs; hours without birds are left out.
    """
    whole, ragged = split(start, end)
    filters = {"species__in": [it.pk for it in species]}
    found: dict[int, dict[Moment, int]] = defaultdict(dict)
    for span in ragged:
        for key, birds in birds_within(span, filters).values_list("species").annotate(Count("pk")):
            found[key][hour_of(span.start)] = birds
    rows = within(HourlyOfSpecies, whole, filters).values_list("species", "hour", "birds")
    for key, hour, birds in rows:
        found[key][hour] = birds
    return {it: dict(sorted(found[it.pk].items())) for it in species}


def filters_of(node: OneNode, species: OneSpecies) -> dict[str, Any]:
    """Return the conditions on the fields `node` and `species`, without those that are None."""
    given = {"node": node, "species": species}
    return {name: value for name, value in given.items() if value is not None}


def table_of(filters: Iterable[str]) -> type[Model]:
    """Return the table of hours that can be filtered so and has the fewest rows.

    Of all birds that is the one by nodes: people decide how many of those there are.
    """
    if not any(name.startswith("species") for name in filters):
        return HourlyOfNode
    return HourlyCount if "node" in filters else HourlyOfSpecies


def within(table: type[Model], span: Span, filters: Mapping[str, Any]) -> QuerySet[Any]:
    """Return the counts of whole hours."""
    rows: QuerySet[Any] = table._default_manager.filter(**filters)  # noqa: SLF001 public
    return rows.filter(hour__gte=span.start, hour__lt=span.end) if span else rows.none()


def birds_in(spans: Sequence[Span], filters: Mapping[str, Any]) -> list[int]:
    """Return how many birds each of `spans` has: one statement, an index range for each."""
    if not spans:
        return []
    starts, ends = (RawSQL(f"spans.{it}", [], DateTimeField()) for it in ("starts", "ends"))  # noqa: S611
    inside, values = _birds_from(starts, ends, filters).values("pk").query.sql_with_params()
    given = [(number, *map(as_parameter, span)) for number, span in enumerate(spans)]
    rows = execute(
        f"WITH spans (number, starts, ends) AS (VALUES {', '.join(['(%s, %s, %s)'] * len(spans))}) "  # noqa: S608
        f"SELECT (SELECT COUNT(*) FROM ({inside}) AS heard) FROM spans ORDER BY number",
        *(it for row in given for it in row),
        *values,
    )
    return [birds for (birds,) in rows]


def as_parameter(moment: Moment) -> Any:
    """Return a time as the database has it, for a statement that is not made by Django."""
    return connection.ops.adapt_datetimefield_value(moment)


def birds_within(span: Span, filters: Mapping[str, Any]) -> QuerySet[Bird]:
    """Return the birds of less than an hour."""
    return _birds_from(span.start, span.end, filters)


def _birds_from(start: Any, end: Any, filters: Mapping[str, Any]) -> QuerySet[Bird]:
    # Without the condition on `doubtful` no index would serve: each begins with it, or after it.
    birds = Bird.objects.order_by().filter(doubtful__in=[False, True], **filters)
    return birds.filter(timestamp__gte=start, timestamp__lt=end)
