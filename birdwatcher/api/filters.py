"""The kinds of filters that lists have, and the refusal of unknown ones."""

from typing import Any

from django import forms
from django.db.models import QuerySet
from django_filters import rest_framework as filters
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework.request import Request
from rest_framework.views import APIView

from birdwatcher.api.fields import parse_moment
from birdwatcher.api.parameters import OF_PAGES, refuse_unknown
from birdwatcher.common.forms import ParsedField
from birdwatcher.common.keys import only_digits
from birdwatcher.exports.lists import total_order

TRUTH = {"true": True, "false": False}
LONGEST = 255  # characters of a search


class _KeyField(forms.IntegerField):
    def to_python(self, value: Any) -> int | None:
        """Return the key, None without one. Raises ValidationError."""
        if value and not only_digits(value):
            raise forms.ValidationError(self.error_messages["invalid"], code="invalid")
        return super().to_python(value)


@extend_schema_field(OpenApiTypes.INT64)
class KeyFilter(filters.NumberFilter):
    """A filter by a key."""

    field_class = _KeyField


@extend_schema_field(OpenApiTypes.BOOL)
class TruthFilter(filters.TypedChoiceFilter):
    """A filter by a boolean; django-filter's own ignores invalid values."""

    def __init__(self) -> None:
        super().__init__(choices=[(it, it) for it in TRUTH], coerce=TRUTH.get)


class _MomentField(ParsedField):
    parse = staticmethod(parse_moment)


@extend_schema_field(OpenApiTypes.DATETIME)
class MomentFilter(filters.Filter):
    """A filter by a time."""

    field_class = _MomentField


class StrictFilters(filters.DjangoFilterBackend):
    """The filters of a list; unknown parameters are refused, not ignored."""

    def filter_queryset(
        self, request: Request, queryset: QuerySet[Any], view: APIView
    ) -> QuerySet[Any]:
        """Return the rows that match, in a total order, so that each is on exactly one page.

        Raises ValidationError.
        """
        known = self.get_filterset_class(view, queryset).base_filters
        refuse_unknown(request, {*known, *OF_PAGES})
        rows = super().filter_queryset(request, queryset, view)
        return rows.order_by(*total_order(rows))
