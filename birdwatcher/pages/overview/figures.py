"""The numbers of the overview, from hourly counts and a few indexed rows."""

import datetime
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.utils import timezone

from birdwatcher.accounts.timezones import midnight, today
from birdwatcher.birds.models import Species
from birdwatcher.common.units import DAY, HOUR
from birdwatcher.pages.charts import bars
from birdwatcher.rollups import queries, ranking
from birdwatcher.rollups.hours import hour_of

CHARTED = 48  # hours
SPECIES_SHOWN = 20
SHADES = 9  # of the grid's cells


@dataclass(frozen=True)
class Compared:
    """A number, and the same number of the day before."""

    now: int
    before: int

    @property
    def change(self) -> str:
        """The change, such as `+12%`; empty if there is none or nothing to compare with."""
        percent = round(100 * (self.now - self.before) / self.before) if self.before else 0
        return f"{percent:+,}%".replace("-", "\N{MINUS SIGN}") if percent else ""

    @property
    def tone(self) -> str:
        """`up` or `down`."""
        return "up" if self.now > self.before else "down"


def birds_today(now: datetime.datetime) -> Compared:
    """Return the birds of today, and those of yesterday up to the same time of day."""
    start, end = today(now)
    return Compared(
        queries.birds_between(start, end),
        queries.birds_between(_start_of_yesterday(now), same_time_yesterday(now)),
    )


def birds_last_hour(now: datetime.datetime) -> Compared:
    """Return the birds of the last hour, and those of the same hour of yesterday."""
    then = same_time_yesterday(now)
    return Compared(
        queries.birds_between(now - HOUR, now), queries.birds_between(then - HOUR, then)
    )


def species_today(now: datetime.datetime) -> Compared:
    """Return how many species were heard today, and how many in all of yesterday."""
    start, end = today(now)
    return Compared(
        ranking.species_between(start, end),
        ranking.species_between(_start_of_yesterday(now), start),
    )


def same_time_yesterday(now: datetime.datetime) -> datetime.datetime:
    """Return when clocks in the active zone showed the same time the day before, in UTC."""
    local = timezone.localtime(now)
    naive = local.replace(tzinfo=None) - DAY
    return naive.replace(tzinfo=local.tzinfo, fold=local.fold).astimezone(datetime.UTC)


def _start_of_yesterday(now: datetime.datetime) -> datetime.datetime:
    return midnight(timezone.localtime(now).date() - DAY)


def chart(now: datetime.datetime) -> dict[str, object]:
    """Return a chart of the birds of the last two days by the hour, with the current hour."""
    end = hour_of(now) + HOUR
    hours = queries.per_hour(end - CHARTED * HOUR, end)
    return bars([f"{timezone.localtime(hour):%a %H:%M}" for hour in hours], hours.values())


@dataclass(frozen=True)
class Cell:
    """A number of birds, and its shade: 0 for none, then 1 to `SHADES`."""

    birds: int
    shade: int

    @property
    def text(self) -> str:
        """The number, shortened to fit: `9999`, `12k`, `3M`; empty for none."""
        for least, unit, letter in ((10_000_000, 1_000_000, "M"), (10_000, 1000, "k")):
            if self.birds >= least:
                return f"{self.birds // unit}{letter}"
        return str(self.birds or "")


@dataclass(frozen=True)
class Row:
    """The birds of one species: of the day, and of each hour.

    `share` is their percentage of the birds of the most frequent species.
    """

    species: Species
    birds: int
    share: float
    cells: Sequence[Cell]


@dataclass(frozen=True)
class Grid:
    """The species of a day, the most frequent first, by its hours."""

    hours: Sequence[datetime.datetime]  # when each begins, in the active zone
    rows: Sequence[Row]
    is_whole: bool  # whether all species are shown


def grid(now: datetime.datetime) -> Grid:
    """Return today's grid: its species, at most `SPECIES_SHOWN`, by the hours of UTC.

    In zones with a fraction of an hour, today begins and ends within an hour of UTC, which then
    counts in part.
    """
    start, end = today(now)
    ranked = ranking.by_species(start, end, limit=SPECIES_SHOWN + 1)
    shown = ranked[:SPECIES_SHOWN]
    found = queries.species_by_hour(start, end, [species for species, _ in shown])
    hours = list(_hours(start, end))
    most = max((birds for of in found.values() for birds in of.values()), default=0)
    rows = [
        Row(
            species,
            birds,
            round(100 * birds / shown[0][1], 1),
            [_cell(found[species].get(hour, 0), most) for hour in hours],
        )
        for species, birds in shown
    ]
    begins = [timezone.localtime(max(hour, start)) for hour in hours]
    return Grid(begins, rows, is_whole=len(ranked) == len(shown))


def _hours(start: datetime.datetime, end: datetime.datetime) -> Iterator[datetime.datetime]:
    hour = hour_of(start)
    while hour < end:
        yield hour
        hour += HOUR


def _cell(birds: int, most: int) -> Cell:
    # By the square root, so that rare species are visible beside common ones.
    return Cell(birds, math.ceil(SHADES * math.sqrt(birds / most)) if birds else 0)
