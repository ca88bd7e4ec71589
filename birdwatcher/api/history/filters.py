"""Filters of the lists of rejected packets and of changes of state."""

from typing import Any

from django.db.models import QuerySet
from django_filters import rest_framework as filters
from rest_framework.exceptions import ValidationError

from birdwatcher.api.fields import REVERSED, just_after
from birdwatcher.api.filters import KeyFilter, MomentFilter
from birdwatcher.api.parameters import found
from birdwatcher.nodes.models import REASONS, STATES, Node, RejectedPacket, StatusChange


class RecordFilters(filters.FilterSet):
    """Filters of what the daemon recorded."""

    node = KeyFilter(method="of_node")
    start = MomentFilter(field_name="at", lookup_expr="gte", help_text="The earliest time.")
    end = MomentFilter(method="until", help_text="The latest time, included.")
    ordering = filters.OrderingFilter(fields=["id"], help_text="“-id” by default.")

    def of_node(self, records: QuerySet[Any], _name: str, key: int) -> QuerySet[Any]:
        """Return those of `records` that belong to a node. Raises ValidationError without it."""
        try:
            return records.filter(node=found(Node, key))
        except ValidationError as error:
            raise ValidationError({"node": error.detail}) from None

    def until(self, records: QuerySet[Any], _name: str, end: Any) -> QuerySet[Any]:
        """Return those of `records` that are not later than `end`.

        Raises ValidationError if the range is reversed.
        """
        start = self.form.cleaned_data.get("start")
        if start and start > end:
            raise ValidationError({"end": [REVERSED]})
        return records.filter(at__lt=just_after(end))


class RejectedPacketFilters(RecordFilters):
    """Filters of the list of rejected packets."""

    reason = filters.ChoiceFilter(choices=REASONS)

    class Meta:
        model = RejectedPacket
        fields: list[str] = []


class StatusChangeFilters(RecordFilters):
    """Filters of the list of status changes."""

    state = filters.ChoiceFilter(choices=STATES)

    class Meta:
        model = StatusChange
        fields: list[str] = []
