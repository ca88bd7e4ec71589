"""Times as programs write them: ISO 8601 with any offset, and UTC without one."""

from __future__ import annotations

import datetime
import re
from typing import Any

from django_filters import Filter
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from birdwatcher.common.forms import ParsedField
from birdwatcher.common.moments import LATEST
from birdwatcher.common.units import HOUR, MICROSECOND

LONGEST = 40  # characters
REVERSED = "The range is reversed: “end” lies before “start”."


def parse(text: str) -> datetime.datetime:
    """Return the time in UTC. Raises ValueError, with one sentence for people."""
    # In an address an unescaped plus is a space.
    text = re.sub(r"(T[0-9:.]+) ([0-9:]+)$", r"\1+\2", text.strip(), flags=re.ASCII)
    try:
        if len(text) > LONGEST or ":" not in text:
            raise ValueError(text)
        moment = datetime.datetime.fromisoformat(text)
    except ValueError:
        shown = text[:LONGEST]
        raise ValueError(f"“{shown}” is no time: one is like 2026-05-01T08:46:00Z.") from None
    if moment.tzinfo is None:
        return moment.replace(tzinfo=datetime.UTC)
    try:
        return moment.astimezone(datetime.UTC)
    except OverflowError:
        # Before year 1 or after 9999 in UTC. No bird is within a day of either, so that the same
        # wall time in UTC parts the birds in the same way.
        return moment.replace(tzinfo=datetime.UTC)


def written(moment: datetime.datetime) -> str:
    """Return the time as it is answered."""
    return moment.astimezone(datetime.UTC).isoformat().replace("+00:00", "Z")


def just_after(moment: datetime.datetime) -> datetime.datetime:
    """Return the first moment that does not belong to a range which ends with `moment`."""
    return min(moment, LATEST + HOUR) + MICROSECOND


@extend_schema_field(OpenApiTypes.DATETIME)
class Moment(serializers.Field):
    """A time in a request or an answer."""

    def to_internal_value(self, data: Any) -> datetime.datetime:
        """Return the time in UTC. Raises ValidationError."""
        try:
            if not isinstance(data, str):
                raise ValueError("A time is a text like 2026-05-01T08:46:00Z.")
            return parse(data)
        except ValueError as error:
            raise serializers.ValidationError(str(error)) from None

    def to_representation(self, value: datetime.datetime) -> str:
        """Return the time as it is answered."""
        return written(value)


class _FormField(ParsedField):
    parse = staticmethod(parse)


@extend_schema_field(OpenApiTypes.DATETIME)
class MomentFilter(Filter):
    """A time by which to filter."""

    field_class = _FormField
