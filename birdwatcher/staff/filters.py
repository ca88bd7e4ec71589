"""Filters of the list of birds."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ChangeList
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from birdwatcher.birds.models import BirdQuerySet
from birdwatcher.common.keys import number_in
from birdwatcher.common.moments import parse_typed
from birdwatcher.search.choices import DOUBTFUL, PAST

CHOICES = 1_000  # of a menu
CHOOSE_TEMPLATE = "admin/birds/bird/choose_filter.html"


class ChooseFilter(admin.RelatedFieldListFilter):
    """A filter by a related object, chosen from a menu of at most `CHOICES`.

    The nodes choose how many species there are. The pages of the others lead to this list, too.
    """

    template = CHOOSE_TEMPLATE
    is_cut = False

    def field_choices(
        self, field: Any, request: HttpRequest, model_admin: admin.ModelAdmin[Any]
    ) -> list[tuple[int, str]]:
        """Return the key and the name of each choice; the chosen one is among them."""
        order = self.field_admin_ordering(field, request, model_admin)
        rows = field.remote_field.model.objects.order_by(*(order or ("name", "pk")))
        shown = [(row.pk, str(row)) for row in rows[: CHOICES + 1]]
        self.is_cut = len(shown) > CHOICES
        known = {key for key, _ in shown[:CHOICES]}
        asked = {number_in(str(text)) for text in self.lookup_val or ()} - known - {None}
        chosen = rows.filter(pk__in=list(asked)[:1])
        return [*((row.pk, str(row)) for row in chosen), *shown[:CHOICES]]

    def has_output(self) -> bool:
        """Return True: Django ignores a filter, even in the page's address, that has no choices."""
        return True


class ChooseWordFilter(admin.ChoicesFieldListFilter):
    """A filter by the choices of a field, chosen from a menu."""

    template = CHOOSE_TEMPLATE


class ClockFilter(admin.SimpleListFilter):
    """A filter by the clock: plausible by default, or doubtful.

    Never both: no index holds all birds in the order of the list.
    """

    title = "clock"
    parameter_name = "clock"

    def lookups(
        self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]
    ) -> list[tuple[str, str]]:
        """Return the two choices; the first is the default, also for an invalid value."""
        return [("plausible", "plausible"), (DOUBTFUL, DOUBTFUL)]

    def queryset(self, request: HttpRequest, queryset: BirdQuerySet) -> BirdQuerySet:
        """Return the birds with the chosen clock."""
        return queryset.dated(doubtfully=self.value() == DOUBTFUL)

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        """Yield the two choices, without Django's "All"."""
        for word, display in self.lookup_choices:
            asked = {self.parameter_name: word} if word == DOUBTFUL else {}
            yield {
                "selected": (word == DOUBTFUL) == (self.value() == DOUBTFUL),
                "query_string": changelist.get_query_string(asked, [self.parameter_name]),
                "display": display,
            }


class TimeRangeFilter(admin.FieldListFilter):
    """A filter by a range of time: the past hour, day and so on, or from one time to another.

    Times without an offset are in the active time zone.
    """

    template = "admin/birds/bird/time_range_filter.html"
    parameters = ("past", "from", "to")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.title = "time"

    def expected_parameters(self) -> list[str | None]:
        """Return the parameters of this filter in the page's address."""
        return list(self.parameters)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Model]) -> QuerySet[Model]:
        """Return the rows in the range. Raises IncorrectLookupParameters if it is invalid."""
        start, end = self._moment("from"), self._moment("to")
        past = self._given("past")
        if past:
            if past not in PAST:
                raise IncorrectLookupParameters(f"no such range of time: {past}")
            start = timezone.now() - PAST[past][1]
        if start is not None:
            queryset = queryset.filter(**{f"{self.field_path}__gte": start})
        if end is not None:
            queryset = queryset.filter(**{f"{self.field_path}__lt": end})
        return queryset

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        """Yield the ranges to choose from, and set `other_parameters` for the template's form."""
        past = self._given("past")
        for key, (display, _) in {"": ("Any time", None), **PAST}.items():
            others = [name for name in self.parameters if name != "past" or not key]
            yield {
                "selected": past == key and not (self.start_text or self.end_text),
                "query_string": changelist.get_query_string({"past": key} if key else {}, others),
                "display": display,
            }
        kept = changelist.get_query_string(remove=list(self.parameters))
        self.other_parameters = parse_qsl(kept.removeprefix("?"))

    @property
    def start_text(self) -> str:
        """The chosen start, for the field of the form."""
        return self._given("from")

    @property
    def end_text(self) -> str:
        """The chosen end, for the field of the form."""
        return self._given("to")

    def _given(self, name: str) -> str:
        values: Any = self.used_parameters.get(name, [""])
        return str(values[-1])

    def _moment(self, name: str) -> datetime.datetime | None:
        text = self._given(name)
        if not text:
            return None
        try:
            return parse_typed(text)
        except ValueError as error:
            raise IncorrectLookupParameters(str(error)) from error
