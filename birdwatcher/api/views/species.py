"""Species."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema, extend_schema_view

from birdwatcher.api.filters import SpeciesFilters
from birdwatcher.api.serializers import SpeciesSerializer
from birdwatcher.api.views.base import Editable
from birdwatcher.api.views.files import ListFiles, listing
from birdwatcher.birds.models import Species
from birdwatcher.birds.removal import remove_birds


@extend_schema_view(
    list=listing("List species", SpeciesSerializer),
    create=extend_schema(summary="Add a species"),
    retrieve=extend_schema(summary="Tell of a species"),
    update=extend_schema(summary="Rename a species"),
    partial_update=extend_schema(summary="Rename a species in part"),
    destroy=extend_schema(
        summary="Delete a species and its birds",
        description="The answer comes when all of it is done: with millions of birds, after "
        "minutes. Interrupted, it can be done again.",
    ),
)
class AllSpecies(ListFiles, Editable):
    """Species; the daemon makes one when an event names it first."""

    queryset = Species.objects.order_by("name", "id")
    serializer_class = SpeciesSerializer
    filterset_class = SpeciesFilters
    writing = {
        "create": ("birds.add_species",),
        "update": ("birds.change_species",),
        "partial_update": ("birds.change_species",),
        "destroy": ("birds.delete_species", "birds.delete_bird"),
    }

    def clear(self, species: Species) -> None:
        """Delete the birds of a species that is to be deleted."""
        remove_birds(species=species.pk)
