"""A species as JSON."""

from birdwatcher.api.fields import ModelSerializer
from birdwatcher.birds.models import Species


class SpeciesSerializer(ModelSerializer):
    """A species."""

    class Meta:
        model = Species
        fields = ["id", "name"]
