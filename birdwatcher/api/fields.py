"""Fields that take what the schema says and nothing that could be meant by it."""

from __future__ import annotations

from typing import Any

from django.db import models
from rest_framework import serializers

from birdwatcher.common.keys import only_digits


class Text(serializers.CharField):
    """A text, and not a number."""

    def to_internal_value(self, data: Any) -> str:
        """Return the text. Raises ValidationError."""
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class Truth(serializers.BooleanField):
    """True or false, and neither a number nor a text."""

    def to_internal_value(self, data: Any) -> bool:
        """Return the truth value. Raises ValidationError."""
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


class Whole(serializers.IntegerField):
    """A whole number, and neither a text nor a truth value."""

    def to_internal_value(self, data: Any) -> int:
        """Return the number. Raises ValidationError."""
        if not isinstance(data, int) or isinstance(data, bool):
            self.fail("invalid")
        return super().to_internal_value(data)


class Digits(serializers.IntegerField):
    """A whole number in an address, written with the digits 0 to 9 and nothing else."""

    def to_internal_value(self, data: Any) -> int:
        """Return the number. Raises ValidationError."""
        if not only_digits(data):
            self.fail("invalid")
        return super().to_internal_value(data)


class ModelSerializer(serializers.ModelSerializer[Any]):
    """Of a model, with these fields."""

    serializer_field_mapping = {
        **serializers.ModelSerializer.serializer_field_mapping,
        models.CharField: Text,
        models.BooleanField: Truth,
        models.PositiveIntegerField: Whole,
    }

    def update(self, instance: models.Model, validated_data: dict[str, Any]) -> models.Model:
        """Save what was given, and nothing else of what was read."""
        for name, value in validated_data.items():
            setattr(instance, name, value)
        instance.save(update_fields=validated_data)
        return instance
