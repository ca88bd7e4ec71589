"""The number of birds that match, where it is known without reading them all."""

import datetime
from dataclasses import dataclass, replace

from django.db.models import Q, Sum
from django.utils import timezone

from birdwatcher.common.moments import EARLIEST, LATEST
from birdwatcher.common.units import HOUR
from birdwatcher.rollups import queries
from birdwatcher.rollups.models import TotalCount
from birdwatcher.search.search import Search
from birdwatcher.search.walk import any_index, count, rare

ENOUGH = 20_000  # birds with a doubtful time that are read to count them
# One species or node has few hourly counts; all species together have a row for each of them.
LONGEST = datetime.timedelta(days=31)  # a range in which all birds are counted


@dataclass(frozen=True)
class Total:
    """The number of birds that match.

    `with_doubtful`: it includes those with a doubtful time, which are too many to count.
    """

    birds: int
    with_doubtful: bool = False


def known(search: Search) -> Total | None:
    """Return the exact number of birds that match; None if it takes reading them all."""
    if search.prefix:
        named = [rare(part) for part in search.parts]
        return None if None in named else Total(sum(filter(None, named)))
    if not search.doubtful and _is_long(search):
        return None
    if search.doubtful is None:
        return Total(_all(search))
    doubtful = _doubtful(search)
    if search.doubtful:
        return None if doubtful is None else Total(doubtful)
    # The counts include all birds, with any clock.
    return Total(_all(search) - (doubtful or 0), with_doubtful=doubtful is None)


def _doubtful(search: Search) -> int | None:
    search = replace(search, doubtful=True)
    birds = search.dated().filter(any_index(search), *search.stretch.conditions()).order_by()
    return count(birds, search.condition & Q(doubtful__in=[True]), ENOUGH)


def _is_long(search: Search) -> bool:
    """Return whether it covers all species and nodes in a long range, but not all time."""
    if search.node is not None or search.species is not None or not (search.start or search.end):
        return False
    # After now there are only the few birds of wrong clocks.
    return (search.end or timezone.now()) - (search.start or EARLIEST) > LONGEST


def _all(search: Search) -> int:
    if search.start or search.end:
        start, end = search.start or EARLIEST, search.end or LATEST + HOUR
        return queries.birds_between(start, end, node=search.node, species=search.species)
    totals = TotalCount.objects.filter(any_index(search))
    return totals.aggregate(birds=Sum("birds", default=0))["birds"]
