"""The admin's pages about birds."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db import IntegrityError, OperationalError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from birdwatcher.birds.models import Bird
from birdwatcher.intake import birds as entry
from birdwatcher.nodes.models import Node
from birdwatcher.search.choices import DOUBTFUL
from birdwatcher.staff.changelist import NewestFirstAdmin
from birdwatcher.staff.characters import NamedForm
from birdwatcher.staff.filters import ChooseFilter, ClockFilter, TimeRangeFilter

REFUSED = "The database is busy; nothing was saved: try again in a moment."


class BirdForm(NamedForm):
    """The fields of a bird; `refused` is the error if they could not be saved."""

    refused = ""

    def clean(self) -> None:
        """Raise ValidationError if they could not be saved."""
        super().clean()
        if self.refused:
            raise ValidationError(self.refused)


@admin.register(Bird)
class BirdAdmin(NewestFirstAdmin):
    """Birds, newest first, equally fast for any number of them."""

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
    search_help_text = "The beginning of a bird's name, in upper or lower case."

    def save_model(self, request: HttpRequest, obj: Bird, form: Any, change: bool) -> None:
        """Save the bird; keep its exact time unless it was edited; count a new bird."""
        if not change:
            entry.enter(obj)
            return
        # The form has whole seconds: correcting a name must not round the time to them.
        if "timestamp" not in form.changed_data:
            obj.timestamp = form.initial["timestamp"]
        super().save_model(request, obj, form, change)

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the form of a new bird, or save it; if that fails, show the form as it was sent."""
        try:
            return super().add_view(request, form_url, extra_context)
        except (OperationalError, IntegrityError, Node.DoesNotExist):
            # Try again in a new transaction, where the form refuses with an error.
            request.refused = REFUSED
            return super().add_view(request, form_url, extra_context)

    def get_form(
        self, request: HttpRequest, obj: Bird | None = None, change: bool = False, **kwargs: Any
    ) -> type[BirdForm]:
        """Return the form class, which Django makes for each request."""
        form = super().get_form(request, obj, change=change, **kwargs)
        form.refused = getattr(request, "refused", "")
        return form

    @admin.display
    def clock(self, bird: Bird) -> str:
        """Return a word if the bird's time is doubtful."""
        return DOUBTFUL if bird.doubtful else ""

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Bird], search_term: str
    ) -> tuple[QuerySet[Bird], bool]:
        """Return the birds whose name begins with the whole term, and False: none occurs twice.

        Django would search for each word separately, but no name begins with two words at once.
        """
        prefix = search_term.strip()
        return (queryset.filter(name__istartswith=prefix) if prefix else queryset), False
