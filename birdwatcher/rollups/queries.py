"""Queries of the counts for pages: the results are exact, and need a few index ranges.

Whole hours are read from the counts, ragged ends of less than an hour from the birds themselves.
Queries over all time read the hours of one species or one node at most. Birds with a doubtful time
count like all others. Nodes and species may be given as their keys, too.
"""

import datetime
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

from django.db.models import Count, Model, Q, QuerySet, Sum

from birdwatcher.birds.models import Bird, Species
from birdwatcher.common.units import DAY, EPOCH, HOUR
from birdwatcher.nodes.models import Node
from birdwatcher.rollups.hours import (
    HourNumber,
    Span,
    end_of_month_within,
    hour_of,
    localised,
    split,
)
from birdwatcher.rollups.models import HourlyCount, HourlyOfNode, HourlyOfSpecies, TotalCount

OneNode = Node | int | None
OneSpecies = Species | int | None
Moment = datetime.datetime
M = TypeVar("M", Node, Species)


def birds_between(
    start: Moment, end: Moment, *, node: OneNode = None, species: OneSpecies = None
) -> int:
    """Return how many birds were heard from `start` up to, and without, `end`."""
    filters = filters_of(node, species)
    whole, ragged = split(start, end)
    counted = _within(table_of(filters), whole, filters).aggregate(n=Sum("birds"))["n"] or 0
    return counted + sum(birds_within(span, filters).count() for span in ragged)


def birds_around(
    moment: Moment,
    start: Moment,
    end: Moment,
    *,
    node: OneNode = None,
    species: OneSpecies = None,
) -> tuple[int, int]:
    """Return how many birds were heard from `start` until before `moment`, and from it until before
    `end`, an hour later at most: both as they are now, and not as the counts were before."""
    birds = birds_within(Span(start, end), filters_of(node, species))
    counted = birds.aggregate(n=Count("pk"), before=Count("pk", Q(timestamp__lt=moment)))
    return counted["before"], counted["n"] - counted["before"]


def per_hour(
    start: Moment, end: Moment, *, node: OneNode = None, species: OneSpecies = None
) -> dict[Moment, int]:
    """Return how many birds were heard in each hour of UTC from `start` to `end`, in order.

    By the start of the hour; hours without birds are there too. Of the first and the last hour only
    what lies between `start` and `end` is counted.
    """
    filters = filters_of(node, species)
    whole, ragged = split(start, end)
    rows = _within(table_of(filters), whole, filters).values_list("hour").annotate(n=Sum("birds"))
    found = Counter(dict(rows))
    for span in ragged:
        found[hour_of(span.start)] += birds_within(span, filters).count()
    first = hour_of(start)
    hours = (first + number * HOUR for number in range(-((first - end) // HOUR)))
    return {hour: found[hour] for hour in hours}


def by_species(
    start: Moment | None = None,
    end: Moment | None = None,
    *,
    node: OneNode = None,
    limit: int | None = None,
) -> list[tuple[Species, int]]:
    """Return the species heard from `start` up to `end`, each with its birds, most birds first.

    Of all time without the two; at most `limit` species.
    """
    return _ranked(Species, _by("species", start, end, filters_of(node, None)), limit)


def by_node(
    start: Moment | None = None,
    end: Moment | None = None,
    *,
    species: OneSpecies = None,
    limit: int | None = None,
) -> list[tuple[Node, int]]:
    """Return the nodes that heard birds, each with their number, in the same way."""
    return _ranked(Node, _by("node", start, end, filters_of(None, species)), limit)


def species_between(start: Moment, end: Moment) -> int:
    """Return how many species were heard from `start` up to `end`."""
    return len(_by("species", start, end, {}))


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
    rows = _within(HourlyOfSpecies, whole, filters).values_list("species", "hour", "birds")
    for key, hour, birds in rows:
        found[key][hour] = birds
    return {it: dict(sorted(found[it.pk].items())) for it in species}


def by_month(*, node: OneNode = None, species: OneSpecies = None) -> dict[datetime.date, int]:
    """Return the birds of all time by the month of the active time zone, in order.

    By the month's first day; months without birds are left out. Where the zone is not whole hours
    from UTC, the birds around the end of each month are counted one by one.
    """
    months: Counter[datetime.date] = Counter()
    filters = filters_of(node, species)
    for local, number, birds in localised(_numbered(filters)):
        end = end_of_month_within(number) if local.hour in {0, 23} else None
        if end is None:
            months[local.day.replace(day=1)] += birds
        else:
            start = EPOCH + number * HOUR
            before, after = birds_around(end, start, start + HOUR, node=node, species=species)
            months[(end - DAY).date().replace(day=1)] += before
            months[end.date()] += after
    return {month: months[month] for month in sorted(months) if months[month]}


def by_hour_of_day(*, node: OneNode = None, species: OneSpecies = None) -> list[int]:
    """Return the birds of all time by the hour of the day in the active time zone: 24 numbers.

    Where the zone is not whole hours from UTC, an hour of UTC counts as the local one in which its
    middle lies.
    """
    hours = [0] * 24
    for local, _, birds in localised(_numbered(filters_of(node, species))):
        hours[local.hour] += birds
    return hours


def filters_of(node: OneNode, species: OneSpecies) -> dict[str, Any]:
    """Return the conditions on the fields `node` and `species`, without those that are None."""
    given = {"node": node, "species": species}
    return {name: value for name, value in given.items() if value is not None}


def table_of(filters: Iterable[str]) -> type[Model]:
    """Return the smallest table of hours that can be filtered so."""
    if "node" not in filters:
        return HourlyOfSpecies
    return HourlyCount if "species" in filters else HourlyOfNode


def _within(table: type[Model], span: Span, filters: Mapping[str, Any]) -> QuerySet[Any]:
    """Return the counts of whole hours."""
    rows: QuerySet[Any] = table._default_manager.filter(**filters)  # noqa: SLF001 public
    return rows.filter(hour__gte=span.start, hour__lt=span.end) if span else rows.none()


def birds_within(span: Span, filters: Mapping[str, Any]) -> QuerySet[Bird]:
    """Return the birds of less than an hour."""
    # Without the condition on `doubtful` no index would serve: each begins with it, or after it.
    birds = Bird.objects.order_by().filter(doubtful__in=[False, True], **filters)
    return birds.filter(timestamp__gte=span.start, timestamp__lt=span.end)


def _numbered(filters: Mapping[str, Any]) -> QuerySet[Any, tuple[int, int]]:
    """Return all hours by their number, in order, with their birds."""
    rows = table_of(filters)._default_manager.filter(**filters)  # noqa: SLF001 public
    numbers = rows.values_list(HourNumber("hour")).order_by("hour")
    counted: QuerySet[Any, tuple[int, int]] = numbers.annotate(n=Sum("birds"))
    return counted


def _by(
    column: str, start: Moment | None, end: Moment | None, filters: Mapping[str, Any]
) -> Counter[int]:
    """Return how many birds there are by the key in `column`, which is `node` or `species`."""
    if start is None or end is None:
        rows: QuerySet[Any] = TotalCount.objects.filter(**filters)
        return Counter(dict(rows.values_list(column).annotate(n=Sum("birds"))))
    whole, ragged = split(start, end)
    alone = HourlyOfSpecies if column == "species" else HourlyOfNode
    rows = _within(HourlyCount if filters else alone, whole, filters)
    found = Counter(dict(rows.values_list(column).annotate(n=Sum("birds"))))
    for span in ragged:
        found.update(dict(birds_within(span, filters).values_list(column).annotate(n=Count("pk"))))
    return found


def _ranked(model: type[M], found: Counter[int], limit: int | None) -> list[tuple[M, int]]:
    """Return the rows with these keys, those with the most birds first, then by their names."""
    if limit is not None and limit < len(found):
        enough = sorted(found.values(), reverse=True)[max(limit - 1, 0)]
        found = Counter({key: birds for key, birds in found.items() if birds >= enough})
    rows = [(row, found[row.pk]) for row in model.objects.in_bulk(list(found)).values()]
    return sorted(rows, key=lambda row: (-row[1], row[0].name, row[0].pk))[:limit]
