"""A species as JSON."""

from __future__ import annotations

from birdwatcher.api.fields import ModelSerializer
from birdwatcher.birds.models import Species


class SpeciesSerializer(ModelSerializer):
    """A species."""

    class Meta:
        model = Species
        fields = ["id", "name"]
