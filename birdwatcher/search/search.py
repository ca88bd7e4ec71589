"""A search for birds."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, replace

from django.db.models import Q

from birdwatcher.birds.models import Bird, BirdQuerySet
from birdwatcher.rollups.queries import filters_of
from birdwatcher.search.keyset import Position, Stretch


@dataclass(frozen=True)
class Search:
    """The birds of a node and a species (keys), from `start` until before `end`, by name prefix.

    `doubtful`: only those with a doubtful time, only the others, or with None both, which takes two
    searches, since no index has both in the order of time. Birds with a key above `newest` arrived
    after the search began.
    """

    node: int | None = None
    species: int | None = None
    prefix: str = ""
    start: datetime.datetime | None = None
    end: datetime.datetime | None = None
    doubtful: bool | None = False
    newest: int | None = None

    @property
    def stretch(self) -> Stretch:
        """The range of time."""
        # Keys begin with 1, so these positions lie before every bird of their moment.
        return Stretch(
            Position(self.start) if self.start else None, Position(self.end) if self.end else None
        )

    @property
    def condition(self) -> Q:
        """The condition of the birds, except for time and clock."""
        condition = Q(**filters_of(self.node, self.species))
        if self.prefix:
            condition &= Q(name__istartswith=self.prefix)
        if self.newest is not None:
            condition &= Q(pk__lte=self.newest)
        return condition

    @property
    def parts(self) -> list[Search]:
        """The searches of which it consists, one for each index."""
        if self.doubtful is not None:
            return [self]
        return [replace(self, doubtful=doubtful) for doubtful in (False, True)]

    def dated(self) -> BirdQuerySet:
        """Return all birds with the wanted clock."""
        if self.doubtful is None:
            return Bird.objects.all()
        return Bird.objects.dated(doubtfully=self.doubtful)

    def found(self) -> BirdQuerySet:
        """Return the birds in no order, so that the database may choose how to read them."""
        return self.dated().filter(self.condition, *self.stretch.conditions()).order_by()
