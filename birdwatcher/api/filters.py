"""By what the numbered lists are filtered and ordered."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import Q, QuerySet
from django.utils import timezone
from django_filters import rest_framework as filters
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework.exceptions import ValidationError

from birdwatcher.api.moments import REVERSED, MomentFilter, just_after
from birdwatcher.birds.models import Species
from birdwatcher.common.keys import BIGGEST_KEY, only_digits
from birdwatcher.daemon.models import Daemon
from birdwatcher.daemon.node_states import WORDS, nodes_in
from birdwatcher.nodes.models import STATES, Node, RejectedPacket, StatusChange
from nodeproc.wire.reasons import Reason

TRUTH = {"true": True, "false": False}
LONGEST = 255  # characters that are searched for


def find_one(model: type[Any], key: int | None) -> int | None:
    """Return `key`, if it is one of `model`. Raises ValueError, with one sentence for people."""
    if key is None or (0 < key <= BIGGEST_KEY and model.objects.filter(pk=key).exists()):
        return key
    raise ValueError(f"There is no {model._meta.verbose_name} {key}.")  # noqa: SLF001 public


class _KeyField(forms.IntegerField):
    def to_python(self, value: Any) -> int | None:
        """Return the key, None without one. Raises ValidationError."""
        if value and not only_digits(value):
            raise forms.ValidationError(self.error_messages["invalid"], code="invalid")
        return super().to_python(value)


@extend_schema_field(OpenApiTypes.INT64)
class KeyFilter(filters.NumberFilter):
    """A key by which to filter."""

    field_class = _KeyField


@extend_schema_field(OpenApiTypes.BOOL)
class TruthFilter(filters.TypedChoiceFilter):
    """A truth value by which to filter; django-filter's own passes over what is none."""

    def __init__(self) -> None:
        super().__init__(choices=[(it, it) for it in TRUTH], coerce=TRUTH.get)


class NodeFilters(filters.FilterSet):
    """Filters of the list of nodes."""

    search = filters.CharFilter(
        method="containing", max_length=LONGEST, help_text="A part of its name or IP address."
    )
    enabled = TruthFilter()
    state = filters.ChoiceFilter(choices=[(it, it) for it in WORDS], method="in_state")
    ordering = filters.OrderingFilter(fields=["id", "name", "ip_address", "port"])

    class Meta:
        model = Node
        fields: list[str] = []

    def containing(self, nodes: QuerySet[Node], _name: str, text: str) -> QuerySet[Node]:
        """Return those of `nodes` whose name or address has `text` in it."""
        return nodes.filter(Q(name__icontains=text) | Q(ip_address__icontains=text))

    def in_state(self, nodes: QuerySet[Node], _name: str, word: str) -> QuerySet[Node]:
        """Return those of `nodes` that are in a state now."""
        return nodes.filter(nodes_in(word, Daemon.current(), timezone.now()))


class SpeciesFilters(filters.FilterSet):
    """Filters of the list of species."""

    search = filters.CharFilter(
        field_name="name",
        lookup_expr="icontains",
        max_length=LONGEST,
        help_text="A part of its name.",
    )
    ordering = filters.OrderingFilter(fields=["id", "name"])

    class Meta:
        model = Species
        fields: list[str] = []


class RecordFilters(filters.FilterSet):
    """Filters of what is noted of nodes."""

    node = KeyFilter(method="of_node")
    start = MomentFilter(field_name="at", lookup_expr="gte", help_text="The earliest time.")
    end = MomentFilter(method="until", help_text="The latest time.")
    ordering = filters.OrderingFilter(fields=["id"], help_text="“-id” without it.")

    def of_node(self, records: QuerySet[Any], _name: str, key: int) -> QuerySet[Any]:
        """Return those of `records` that are of a node. Raises ValidationError without it."""
        try:
            return records.filter(node=find_one(Node, key))
        except ValueError as error:
            raise ValidationError({"node": [str(error)]}) from None

    def until(self, records: QuerySet[Any], _name: str, end: Any) -> QuerySet[Any]:
        """Return those of `records` that are not later than `end`, of which a part of a range is
        left. Raises ValidationError if nothing can be."""
        start = self.form.cleaned_data.get("start")
        if start and start > end:
            raise ValidationError({"end": [REVERSED]})
        return records.filter(at__lt=just_after(end))


class RejectedPacketFilters(RecordFilters):
    """Filters of the list of rejected packets."""

    reason = filters.ChoiceFilter(choices=[(it.value, it.value) for it in Reason])

    class Meta:
        model = RejectedPacket
        fields: list[str] = []


class StatusChangeFilters(RecordFilters):
    """Filters of the list of status changes."""

    state = filters.ChoiceFilter(choices=STATES)

    class Meta:
        model = StatusChange
        fields: list[str] = []
