"""Which birds a follower wants."""

from dataclasses import dataclass
from typing import Self

from django.db.models import F, QuerySet

from birdwatcher.birds.models import Bird
from birdwatcher.feed.birds.messages import Sighting

EVERY: frozenset[int] = frozenset()


@dataclass(frozen=True)
class BirdFilter:
    """Birds of some nodes and some species; an empty set stands for all of them."""

    nodes: frozenset[int] = EVERY
    species: frozenset[int] = EVERY

    @classmethod
    def of(cls, node: int | None = None, species: int | None = None) -> Self:
        """Return the filter for one node, one species, or both."""
        return cls(_only(node), _only(species))

    @property
    def everything(self) -> bool:
        """Whether all birds are wanted."""
        return not self.nodes and not self.species

    def takes(self, bird: Sighting) -> bool:
        """Whether `bird` is wanted."""
        return self.takes_of(bird.node_id, bird.species_id)

    def takes_of(self, node: int | None, species: int | None) -> bool:
        """Whether a bird of this node and this species is wanted."""
        return (not self.nodes or node in self.nodes) and (
            not self.species or species in self.species
        )

    def among(self, birds: QuerySet[Bird]) -> QuerySet[Bird]:
        """Return those of `birds` that are wanted."""
        # Adding 0 hides the column from the planner. An index of the node or the species would lead
        # through all its birds; only those in a range of the key are needed.
        if self.nodes:
            birds = birds.alias(of_node=F("node") + 0).filter(of_node__in=sorted(self.nodes))
        if self.species:
            some = sorted(self.species)
            birds = birds.alias(of_species=F("species") + 0).filter(of_species__in=some)
        return birds


def _only(key: int | None) -> frozenset[int]:
    return EVERY if key is None else frozenset([key])
