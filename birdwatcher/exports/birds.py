"""Files of birds."""

import datetime
from collections.abc import Iterable, Iterator
from dataclasses import replace

from birdwatcher.birds.models import Bird
from birdwatcher.exports.file_formats import Record
from birdwatcher.search import pages, totals
from birdwatcher.search.search import Search

COLUMNS = (
    "id",
    "timestamp",  # in the zone of the user
    "timestamp_utc",
    "name",
    "species",
    "species_id",
    "node",
    "node_id",
    "doubtful",
)
FIELDS = ("name", "species__name", "species_id", "node__name", "node_id", "doubtful")


class Birds:
    """The birds that a search finds, newest first."""

    kind = "birds"
    columns = COLUMNS

    def __init__(self, search: Search, zone: datetime.tzinfo) -> None:
        self._search, self._zone = search, zone

    def begin(self) -> int | None:
        """Leave out birds that arrive from now on; return their number, None if it is not known.

        Raises django.db.Error.
        """
        last = Bird.objects.order_by("-pk").values_list("pk", flat=True).first()
        self._search = replace(self._search, newest=last or 0)
        total = totals.known(self._search)
        return total.birds if total and not total.with_doubtful else None

    def pieces(self, size: int) -> Iterator[list[Record]]:
        """Yield them, about `size` at a time; sometimes none, where a long search finds nothing."""
        for places in pages.everything(self._search, size):
            yield records([place.key for place in places], self._zone) if places else []


def records(keys: Iterable[int], zone: datetime.tzinfo) -> list[Record]:
    """Return the records of the birds with these keys, newest first."""
    birds = Bird.objects.filter(pk__in=keys).order_by("-timestamp", "-pk")
    rows = birds.values_list("pk", "timestamp", *FIELDS)
    return [
        dict(zip(COLUMNS, (key, *_times(at, zone), *more), strict=True)) for key, at, *more in rows
    ]


def _times(at: datetime.datetime, zone: datetime.tzinfo) -> tuple[str, str]:
    return at.astimezone(zone).isoformat(), at.astimezone(datetime.UTC).isoformat()
