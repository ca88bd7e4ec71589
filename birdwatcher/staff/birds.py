"""The admin's pages about birds and species."""

from __future__ import annotations

import datetime
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import ValidationError
from django.db import IntegrityError, OperationalError
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html

from birdwatcher.birds.models import Bird, Species
from birdwatcher.intake import birds as entry
from birdwatcher.nodes.models import Node
from birdwatcher.search.choices import DOUBTFUL
from birdwatcher.staff.changelist import CappedPaginator, NewestFirstChangeList
from birdwatcher.staff.counted_delete import CountedDeleteAdmin
from birdwatcher.staff.filters import ChooseFilter, ClockFilter, TimeRangeFilter

REFUSED = "Others hold what this needs; nothing was saved: try again in a moment."


class BirdForm(forms.ModelForm):
    """A bird's fields, and what came of trying to save them if that was refused."""

    refused = ""

    def clean(self) -> None:
        """Raise ValidationError if saving was refused."""
        super().clean()
        if self.refused:
            raise ValidationError(self.refused)


@admin.register(Bird)
class BirdAdmin(admin.ModelAdmin):
    """Birds, newest first, quick however many there are."""

    form = BirdForm
    list_display = ["timestamp", "name", "species", "node", "clock"]
    list_filter = [
        ClockFilter,
        ("timestamp", TimeRangeFilter),
        ("species", ChooseFilter),
        ("node", ChooseFilter),
    ]
    list_select_related = ["species", "node"]
    autocomplete_fields = ["species", "node"]
    search_fields = ["name__istartswith"]
    search_help_text = "The beginning of a bird's name, in capitals or not."
    sortable_by = ()
    # Each of these would count or sort the whole table.
    paginator = CappedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER

    class Media:
        css = {"all": ["staff/birds.css"]}
        js = ["staff/filters.js"]

    def save_model(self, request: HttpRequest, obj: Bird, form: Any, change: bool) -> None:
        """Save the bird, with its exact time unless the time was edited; a new one is counted."""
        if not change:
            entry.enter(obj)
            return
        # The form holds whole seconds, and saving a bird whose name was corrected must not cut its
        # time down to them.
        if "timestamp" not in form.changed_data:
            obj.timestamp = form.initial["timestamp"]
        super().save_model(request, obj, form, change)

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the form of a new bird, or save it; show it as it was sent if that is refused."""
        try:
            return super().add_view(request, form_url, extra_context)
        except (OperationalError, IntegrityError, Node.DoesNotExist):
            # Once more, in a transaction of its own, and now the form itself says no.
            request.refused = REFUSED
            return super().add_view(request, form_url, extra_context)

    def get_form(
        self, request: HttpRequest, obj: Bird | None = None, change: bool = False, **kwargs: Any
    ) -> type[BirdForm]:
        """Return the class of the form, which is made anew for each request."""
        form = super().get_form(request, obj, change=change, **kwargs)
        form.refused = getattr(request, "refused", "")
        return form

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """Return the class of the list."""
        return NewestFirstChangeList

    @admin.display
    def clock(self, bird: Bird) -> str:
        """A word if the bird's time is doubtful."""
        return DOUBTFUL if bird.doubtful else ""

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Bird], search_term: str
    ) -> tuple[QuerySet[Bird], bool]:
        """Return the birds whose name begins with the whole term, and that none comes twice.

        Django would search for each word on its own, and no name begins with two different words.
        """
        prefix = search_term.strip()
        return (queryset.filter(name__istartswith=prefix) if prefix else queryset), False


@admin.register(Species)
class SpeciesAdmin(CountedDeleteAdmin):
    """Species, each with the time of its newest bird, doubtful ones left aside."""

    bird_field = "species"
    list_display = ["name", "newest", "birds"]
    search_fields = ["name"]

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
        """When its newest bird was heard."""
        return species.newest_at

    @admin.display(description="birds")
    def birds(self, species: Species) -> str:
        """A link to its birds; their number would take a count for each line."""
        url = f"{reverse('admin:birds_bird_changelist')}?species__id__exact={species.pk}"
        return format_html('<a href="{}">show</a>', url)
