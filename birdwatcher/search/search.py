"""What birds are asked for."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, replace

from django.db.models import Q

from birdwatcher.birds.models import Bird, BirdQuerySet
from birdwatcher.search.keyset import Position, Stretch


@dataclass(frozen=True)
class Search:
    """The birds of a node, of a species, from `start` until before `end`, whose name begins so.

    Nodes and species by their keys. Only those with a doubtful time, only the others, or with None
    both, which are two searches: no index holds both in the order of time. Those with a key above
    `newest` came later than the search.
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
        # No key is 0 or less, so that these lie before every bird of their moment.
        return Stretch(
            Position(self.start) if self.start else None, Position(self.end) if self.end else None
        )

    @property
    def condition(self) -> Q:
        """What makes a bird one that is asked for, but for its time and clock."""
        condition = Q()
        if self.node is not None:
            condition &= Q(node=self.node)
        if self.species is not None:
            condition &= Q(species=self.species)
        if self.prefix:
            condition &= Q(name__istartswith=self.prefix)
        if self.newest is not None:
            condition &= Q(pk__lte=self.newest)
        return condition

    @property
    def parts(self) -> list[Search]:
        """The searches that it consists of, each of which one index answers."""
        if self.doubtful is not None:
            return [self]
        return [replace(self, doubtful=doubtful) for doubtful in (False, True)]

    def dated(self) -> BirdQuerySet:
        """Return all birds whose clock is as it is asked for."""
        if self.doubtful is None:
            return Bird.objects.all()
        return Bird.objects.dated(doubtfully=self.doubtful)

    def found(self) -> BirdQuerySet:
        """Return the birds, in no order; how they are best read is left to the database."""
        return self.dated().filter(self.condition, *self.stretch.conditions()).order_by()
