"""Which birds somebody follows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from django.db.models import F, QuerySet

from birdwatcher.birds.models import Bird
from birdwatcher.feed.messages import Sighting

EVERY: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Wanted:
    """The birds of some nodes and some species; without any, of all."""

    nodes: frozenset[int] = EVERY
    species: frozenset[int] = EVERY

    @classmethod
    def of(cls, node: int | None = None, species: int | None = None) -> Self:
        """Return those of one node, one species, or both."""
        return cls(_only(node), _only(species))

    @property
    def everything(self) -> bool:
        """Whether it is all birds."""
        return not self.nodes and not self.species

    def takes(self, bird: Sighting) -> bool:
        """Whether `bird` is one of them."""
        return self.takes_of(bird.node_id, bird.species_id)

    def takes_of(self, node: int | None, species: int | None) -> bool:
        """Whether a bird of this node and this species is one of them."""
        return (not self.nodes or node in self.nodes) and (
            not self.species or species in self.species
        )

    def among(self, birds: QuerySet[Bird]) -> QuerySet[Bird]:
        """Return those of `birds` that are wanted."""
        # Hidden from the planner: an index of the node or the species leads through all its birds,
        # and those that are asked for lie within a range of the key.
        if self.nodes:
            birds = birds.alias(of_node=F("node") + 0).filter(of_node__in=sorted(self.nodes))
        if self.species:
            some = sorted(self.species)
            birds = birds.alias(of_species=F("species") + 0).filter(of_species__in=some)
        return birds


def _only(key: int | None) -> frozenset[int]:
    return EVERY if key is None else frozenset([key])
