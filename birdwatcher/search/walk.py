"""Walk along an index, birds in their order, until enough of them match.

If one index answers the whole search, every bird on the way matches. If none does, a walk follows
the index that answers most of it, such as a node's birds to find those of one species, and reads at
most `WINDOW` birds. A database would choose a plan by its statistics, and one wrong choice reads
ten million rows; so the walk is a subquery with a LIMIT, which the database must execute first.

Two things keep walks short. The index on names finds names that are `RARE`. And the hourly counts
show in which hours a node heard a species; the time between them is skipped.
"""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import BooleanField, ExpressionWrapper, Q, QuerySet, Sum

from birdwatcher.birds.models import BirdQuerySet
from birdwatcher.common.indexes import PrefixOrder
from birdwatcher.common.units import HOUR, MICROSECOND
from birdwatcher.rollups.hours import hour_of
from birdwatcher.rollups.models import HourlyCount, HourlyOfNode, HourlyOfSpecies, TotalCount
from birdwatcher.rollups.queries import filters_of
from birdwatcher.search.keyset import Direction, Position, Stretch
from birdwatcher.search.search import Search

WINDOW = 10_000  # birds that one step of a walk reads
RARE = 5_000  # birds with a name, which are all read and sorted
HOURS = 60  # whose counts are read at a time
STEPS = 4  # of a walk from hour to hour

Look = tuple[str, tuple[Any, ...]]  # SQL and its values


@dataclass(frozen=True)
class Found:
    """Birds in the order of the walk, and where it stopped, if before the end."""

    birds: list[Position]
    stopped: Position | None = None


def find(search: Search, start: Position | None, direction: Direction, size: int) -> Found:
    """Return the first birds that match beyond `start`, at most `size` of them."""
    found = [_find(part, start, direction, size) for part in search.parts]
    return found[0] if len(found) == 1 else _merge(found, direction, size)


def _merge(found: Sequence[Found], direction: Direction, size: int) -> Found:
    """Return the first birds of several walks, as far as all of them have come."""
    newest_first = direction is Direction.OLDER
    birds = sorted((bird for it in found for bird in it.birds), reverse=newest_first)
    stops = [it.stopped for it in found if it.stopped]
    if not stops:
        return Found(birds[:size])
    stopped = max(stops) if newest_first else min(stops)
    birds = [it for it in birds if (it >= stopped if newest_first else it <= stopped)]
    return Found(birds[:size], None if len(birds) >= size else stopped)


def _find(search: Search, start: Position | None, direction: Direction, size: int) -> Found:
    stretch = search.stretch.meet(direction.beyond(start))
    if stretch.empty:
        return Found([])
    if search.prefix and rare(search) is not None:
        return Found(_sort(search, stretch, direction, size))
    if search.node is not None and search.species is not None:
        return _walk_hours(search, stretch, direction, size)
    if search.prefix:
        return _walk_along(search, any_index(search), stretch, direction, size)
    birds = search.dated().filter(search.condition, *stretch.conditions())
    rows = birds.order_by(*direction.value).values_list("timestamp", "pk")
    return Found([Position(*row) for row in rows[:size]])


def rare(search: Search) -> int | None:
    """Return how many birds match; None if too many have such a name to read them all."""
    fits = search.condition & Q(*search.stretch.conditions())
    return count(_named(search), fits, RARE)


def count(birds: QuerySet[Any], fits: Q, at_most: int) -> int | None:
    """Return how many of `birds` match; None if there are too many to read them all."""
    sql, values = _look(birds, fits, at_most + 1)
    sql = f"SELECT count(*), count(*) FILTER (WHERE fits) FROM ({sql}) AS looked_at"  # noqa: S608
    ((looked_at, fitting),) = _execute(sql, values)
    return None if looked_at > at_most else fitting


def _sort(search: Search, stretch: Stretch, direction: Direction, size: int) -> list[Position]:
    """Return the first birds among those with a rare name."""
    fits = search.condition & Q(*stretch.conditions())
    return _first_fitting([_look(_named(search), fits, RARE)], direction, size)


def _walk_along(
    search: Search, driver: Q, stretch: Stretch, direction: Direction, size: int
) -> Found:
    """Read the birds of a stretch in order, at most about `WINDOW` of them."""
    found: list[Position] = []
    last: Position | None = None
    # Usually the first, smaller window is enough.
    for window in (min(20 * size, WINDOW), WINDOW):
        birds = search.dated().filter(driver, *stretch.conditions()).order_by(*direction.value)
        look = _look(birds, search.condition, window)
        found += _first_fitting([look], direction, size - len(found))
        if len(found) >= size:
            return Found(found)
        following = birds.values_list("timestamp", "pk")[window - 1 : window]
        last = next((Position(*row) for row in following), None)
        if last is None:
            return Found(found)
        stretch = stretch.meet(direction.beyond(last))
    return Found(found, last)


def _walk_hours(search: Search, stretch: Stretch, direction: Direction, size: int) -> Found:
    """Read the birds of the hours in which the node heard the species."""
    driver = _shorter(search)
    found: list[Position] = []
    edge: Position | None = None
    for _ in range(STEPS):
        hours, dense = _choose(search, driver, stretch, direction, size - len(found))
        if not hours:
            return Found(found)
        parts = [part.meet(stretch) for part in _join(hours)]
        if dense:
            of_hour = _walk_along(search, driver, parts[0], direction, size - len(found))
            found += of_hour.birds
            if of_hour.stopped:
                return Found(found, of_hour.stopped)
        else:
            birds = search.dated().filter(driver).order_by(*direction.value)
            within = [birds.filter(*part.conditions()) for part in parts if not part.empty]
            looks = [_look(some, search.condition, WINDOW) for some in within]
            found += _first_fitting(looks, direction, size - len(found))
        if len(found) >= size:
            return Found(found)
        edge = Position(hours[-1] if direction is Direction.OLDER else hours[-1] + HOUR)
        stretch = stretch.meet(direction.beyond(edge))
    return Found(found, edge)


def _choose(
    search: Search, driver: Q, stretch: Stretch, direction: Direction, size: int
) -> tuple[list[datetime.datetime], bool]:
    """Return the next hours in which the node heard the species, as many as can be read.

    And whether it is a single hour with too many birds.
    """
    heard = HourlyCount.objects.filter(node=search.node, species=search.species)
    if stretch.before:
        last, key = stretch.before
        heard = heard.filter(hour__lte=hour_of(last if key else last - MICROSECOND))
    if stretch.after:
        heard = heard.filter(hour__gte=hour_of(stretch.after.timestamp))
    order = "-hour" if direction is Direction.OLDER else "hour"
    fitting = dict(heard.order_by(order).values_list("hour", "birds")[:HOURS])
    counts: QuerySet[Any] = HourlyOfSpecies.objects.all()
    if driver == Q(node=search.node):
        counts = HourlyOfNode.objects.all()
    costs = dict(counts.filter(driver, hour__in=fitting).values_list("hour", "birds"))
    hours: list[datetime.datetime] = []
    found = cost = 0
    for hour, birds in fitting.items():
        cost += costs.get(hour, 0)
        if found >= size or (hours and cost > WINDOW):
            break
        hours.append(hour)
        found += birds
    return hours, len(hours) == 1 and costs.get(hours[0], 0) > WINDOW


def _shorter(search: Search) -> Q:
    """Return the condition to follow: the node or the species, whichever has fewer birds."""
    node, species = Q(node=search.node), Q(species=search.species)
    totals = TotalCount.objects.filter(node | species)
    birds = totals.aggregate(
        of_node=Sum("birds", filter=node, default=0),
        of_species=Sum("birds", filter=species, default=0),
    )
    return node if birds["of_node"] <= birds["of_species"] else species


def any_index(search: Search) -> Q:
    """Return the condition that an index answers in a search without both node and species."""
    return Q(**filters_of(search.node, search.species))


def _named(search: Search) -> BirdQuerySet:
    """Return all birds of the name, by the index on names."""
    named = search.dated().filter(name__istartswith=search.prefix)
    return named.order_by(PrefixOrder("name"))


def _join(hours: Sequence[datetime.datetime]) -> list[Stretch]:
    """Return the stretches that the hours make; consecutive hours make one."""
    joined: list[list[datetime.datetime]] = []
    for hour in sorted(hours):
        if joined and joined[-1][1] == hour:
            joined[-1][1] = hour + HOUR
        else:
            joined.append([hour, hour + HOUR])
    return [Stretch(Position(start), Position(end)) for start, end in joined]


def _look(birds: QuerySet[Any], fits: Q, limit: int) -> Look:
    """Return the SQL that reads the first of `birds`, and whether each of them `fits`."""
    fitting = birds.annotate(fits=ExpressionWrapper(fits, output_field=BooleanField()))
    return fitting.values_list("timestamp", "id", "fits")[:limit].query.sql_with_params()


def _first_fitting(looks: Sequence[Look], direction: Direction, size: int) -> list[Position]:
    """Return the first birds that match, of all that `looks` read."""
    if not looks:
        return []
    looked_at = " UNION ALL ".join(
        f"SELECT * FROM ({sql}) AS look_{number}"  # noqa: S608 made by Django
        for number, (sql, _) in enumerate(looks)
    )
    way = "DESC" if direction is Direction.OLDER else "ASC"
    sql = (
        f"SELECT timestamp, id FROM ({looked_at}) AS looked_at WHERE fits "  # noqa: S608
        f"ORDER BY timestamp {way}, id {way} LIMIT {size}"
    )
    rows = _execute(sql, [value for _, values in looks for value in values])
    return [Position(_moment(timestamp), key) for timestamp, key in rows]


def _moment(value: datetime.datetime | str) -> datetime.datetime:
    """Return the time that the database gave: SQLite omits the zone, and may give a text."""
    moment = datetime.datetime.fromisoformat(value) if isinstance(value, str) else value
    return moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)


def _execute(sql: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
    with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchall()
