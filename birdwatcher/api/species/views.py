"""Species: list, get and edit them."""

from drf_spectacular.utils import extend_schema, extend_schema_view

from birdwatcher.api.base import Editable
from birdwatcher.api.files import ListFiles, listing
from birdwatcher.api.species.filters import SpeciesFilters
from birdwatcher.api.species.serializers import SpeciesSerializer
from birdwatcher.birds.models import Species
from birdwatcher.birds.removal import remove_birds


@extend_schema_view(
    list=listing("List species", SpeciesSerializer),
    create=extend_schema(summary="Add a species"),
    retrieve=extend_schema(summary="Get a species"),
    update=extend_schema(summary="Rename a species"),
    partial_update=extend_schema(summary="Rename a species (PATCH)"),
    destroy=extend_schema(
        summary="Delete a species and its birds",
        description="The response comes when everything is deleted: with millions of birds, after "
        "minutes. If the request is interrupted, repeat it.",
    ),
)
class AllSpecies(ListFiles, Editable):
    """Species; the daemon adds one when an event names it first."""

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
        """Delete the birds of `species`, before it is deleted itself."""
        remove_birds(species=species.pk)
