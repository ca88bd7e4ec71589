"""Strict fields: they accept what the schema says and convert nothing else."""

import datetime
import re
from contextlib import suppress
from typing import Any

from django.db import models
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from birdwatcher.common import moments
from birdwatcher.common.keys import only_digits
from birdwatcher.common.units import HOUR, MICROSECOND

LONGEST = 40  # characters
REVERSED = "The range is reversed: “end” lies before “start”."


def parse_moment(text: str) -> datetime.datetime:
    """Return the time in UTC of an ISO 8601 text; without an offset, it is in UTC.

    Raises ValueError with one sentence for people.
    """
    # In an address an unescaped plus is a space.
    text = re.sub(r"([Tt][0-9:.]+) ([0-9:]+)$", r"\1+\2", text.strip(), flags=re.ASCII)
    if len(text) <= LONGEST and ":" in text:
        with suppress(ValueError):
            return moments.parse(text, datetime.UTC)
    shown = text[:LONGEST]
    raise ValueError(f"“{shown}” is no time: one is like 2026-05-01T08:46:00Z.")


def just_after(moment: datetime.datetime) -> datetime.datetime:
    """Return the first moment after a range that includes `moment` as its end."""
    return min(moment, moments.LATEST + HOUR) + MICROSECOND


class Text(serializers.CharField):
    """A text, not a number."""

    def to_internal_value(self, data: Any) -> str:
        """Return the text. Raises ValidationError."""
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class Truth(serializers.BooleanField):
    """True or false, neither a number nor a text."""

    def to_internal_value(self, data: Any) -> bool:
        """Return the boolean. Raises ValidationError."""
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


class Whole(serializers.IntegerField):
    """A whole number, neither a text nor a boolean."""

    def to_internal_value(self, data: Any) -> int:
        """Return the number. Raises ValidationError."""
        if not isinstance(data, int) or isinstance(data, bool):
            self.fail("invalid")
        return super().to_internal_value(data)


class Digits(serializers.IntegerField):
    """A whole number in an address, written with the digits 0 to 9 alone."""

    def to_internal_value(self, data: Any) -> int:
        """Return the number. Raises ValidationError."""
        if not only_digits(data):
            self.fail("invalid")
        return super().to_internal_value(data)


@extend_schema_field(OpenApiTypes.DATETIME)
class Moment(serializers.Field):
    """A time in a request or a response."""

    def to_internal_value(self, data: Any) -> datetime.datetime:
        """Return the time in UTC. Raises ValidationError."""
        try:
            if not isinstance(data, str):
                raise ValueError("A time is a text like 2026-05-01T08:46:00Z.")
            return parse_moment(data)
        except ValueError as error:
            raise serializers.ValidationError(str(error)) from None

    def to_representation(self, value: datetime.datetime) -> str:
        """Return the time in UTC, as `2026-05-01T08:46:00Z`."""
        return value.astimezone(datetime.UTC).isoformat().replace("+00:00", "Z")


class ModelSerializer(serializers.ModelSerializer[Any]):
    """A serializer of a model that uses the strict fields."""

    serializer_field_mapping = {
        **serializers.ModelSerializer.serializer_field_mapping,
        models.CharField: Text,
        models.BooleanField: Truth,
        models.PositiveIntegerField: Whole,
    }

    def update(self, instance: models.Model, validated_data: dict[str, Any]) -> models.Model:
        """Save the given fields alone."""
        for name, value in validated_data.items():
            setattr(instance, name, value)
        instance.save(update_fields=validated_data)
        return instance
