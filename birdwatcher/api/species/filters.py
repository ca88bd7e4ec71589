"""Filters of the list of species."""

from django_filters import rest_framework as filters

from birdwatcher.api.filters import LONGEST
from birdwatcher.birds.models import Species


class SpeciesFilters(filters.FilterSet):
    """Filters of the list of species."""

    search = filters.CharFilter(
        field_name="name",
        lookup_expr="icontains",
        max_length=LONGEST,
        help_text="Part of the name.",
    )
    ordering = filters.OrderingFilter(fields=["id", "name"])

    class Meta:
        model = Species
        fields: list[str] = []
