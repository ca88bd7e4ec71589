"""The admin's pages about species."""

import datetime
from typing import Any

from django.contrib import admin
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from birdwatcher.birds.models import Bird, Species
from birdwatcher.staff.changelist import CappedPaginator
from birdwatcher.staff.characters import NamedForm
from birdwatcher.staff.counted_delete import CountedDeleteAdmin


@admin.register(Species)
class SpeciesAdmin(CountedDeleteAdmin):
    """Species, each with the time of its newest bird; doubtful times do not count."""

    bird_field = "species"
    form = NamedForm
    list_display = ["name", "newest", "birds"]
    search_fields = ["name"]
    paginator = CappedPaginator  # the nodes choose how many species there are

    def get_queryset(self, request: HttpRequest) -> QuerySet[Species]:
        """Return the species, each with the time of its newest bird."""
        birds = Bird.objects.dated(doubtfully=False).filter(species=OuterRef("pk"))
        newest = birds.order_by("-timestamp", "-id")
        return (
            super()
            .get_queryset(request)
            .annotate(newest_at=Subquery(newest.values("timestamp")[:1]))
        )

    @admin.display(description="newest bird")
    def newest(self, species: Any) -> datetime.datetime | None:
        """Return when its newest bird was heard."""
        return species.newest_at

    @admin.display(description="birds")
    def birds(self, species: Species) -> str:
        """Return a link to its birds; their number would need a count for each row."""
        url = f"{reverse('admin:birds_bird_changelist')}?species__id__exact={species.pk}"
        return format_html('<a href="{}">show</a>', url)
