"""Counts as JSON, and their parameters."""

import datetime
import zoneinfo
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import (
    OpenApiExample,
    PolymorphicProxySerializer,
    extend_schema_field,
    extend_schema_serializer,
)
from rest_framework import serializers

from birdwatcher.accounts.timezones import LONGEST_NAME, find_zone
from birdwatcher.api.fields import REVERSED, Moment
from birdwatcher.api.parameters import OfBirds, Query

# There may be a count for each hour, node and species: this bounds how many are added up.
LONGEST = datetime.timedelta(days=366)
LONGEST_BY_HOUR = datetime.timedelta(days=31)
MOST = 10_000  # nodes or species in one answer


class MomentQuery(Query):
    """The moment up to which birds are counted."""

    ts = Moment(required=False, help_text="The moment, included; now by default.")


@extend_schema_serializer(
    examples=[OpenApiExample("A count", {"node_id": 24, "ts": "2026-05-01T08:46:00Z", "count": 42})]
)
class NodeCountSerializer(serializers.Serializer[Any]):
    """How many birds a node had heard up to a moment."""

    node_id = serializers.IntegerField()
    ts = Moment(help_text="The moment that was used.")
    count = serializers.IntegerField()


@extend_schema_serializer(
    examples=[
        OpenApiExample("A count", {"species_id": 24, "ts": "2026-05-01T08:46:00Z", "count": 42})
    ]
)
class SpeciesCountSerializer(serializers.Serializer[Any]):
    """How many birds of a species had been heard up to a moment."""

    species_id = serializers.IntegerField()
    ts = Moment(help_text="The moment that was used.")
    count = serializers.IntegerField()


class CountsQuery(OfBirds):
    """Which birds to count, and how to group them."""

    by = serializers.ChoiceField(["node", "species", "hour", "day"])
    start = Moment(
        required=False,
        help_text="The earliest time. By default all time; required by hour and by day.",
    )
    end = Moment(
        required=False,
        help_text="The latest time, included. With a start, now by default.",
    )
    tz = serializers.CharField(
        required=False,
        max_length=LONGEST_NAME,
        help_text="The time zone of the days, such as Europe/London; UTC by default.",
    )

    def validate_tz(self, name: str) -> zoneinfo.ZoneInfo:
        """Return the zone. Raises ValidationError if there is none of that name."""
        zone = find_zone(name)
        if zone is None:
            raise serializers.ValidationError(f"There is no time zone “{name}”.")
        return zone

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Return the parameters. Raises ValidationError if they contradict each other, or ask for
        too much at once."""
        by = attrs["by"]
        if by in attrs:
            raise serializers.ValidationError(
                {by: [f"Counts by {by} cannot be limited to one {by}."]}
            )
        if "start" not in attrs:
            if "end" in attrs or by in {"hour", "day"}:
                raise serializers.ValidationError({"start": ["A start is required."]})
            return attrs
        start = attrs["start"]
        end = attrs.setdefault("end", timezone.now())
        if start > end:
            raise serializers.ValidationError({"end": [REVERSED]})
        longest = LONGEST_BY_HOUR if by == "hour" else LONGEST
        if end - start > longest:
            sentence = f"Counts by {by} cover at most {longest.days} days."
            raise serializers.ValidationError({"end": [sentence]})
        return attrs


class CountByNode(serializers.Serializer[Any]):
    """The birds of one node."""

    node_id = serializers.IntegerField()
    node = serializers.CharField()
    count = serializers.IntegerField()


class CountBySpecies(serializers.Serializer[Any]):
    """The birds of one species."""

    species_id = serializers.IntegerField()
    species = serializers.CharField()
    count = serializers.IntegerField()


class CountByHour(serializers.Serializer[Any]):
    """The birds of one hour of UTC, or of its part inside the range."""

    hour = Moment()
    count = serializers.IntegerField()


class CountByDay(serializers.Serializer[Any]):
    """The birds of one day, or of its part inside the range."""

    day = serializers.DateField()
    count = serializers.IntegerField()


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "By node",
            {
                "by": "node",
                "start": "2026-05-01T00:00:00Z",
                "end": "2026-05-01T08:46:00Z",
                "counts": [{"node_id": 24, "node": "Dartmoor", "count": 42}],
            },
        ),
        OpenApiExample(
            "By day",
            {
                "by": "day",
                "start": "2026-05-01T00:00:00Z",
                "end": "2026-05-01T23:59:59.999999Z",
                "counts": [{"day": "2026-05-01", "count": 42}],
            },
        ),
    ]
)
class CountsSerializer(serializers.Serializer[Any]):
    """How many birds there were, grouped by node, species, hour or day."""

    by = serializers.ChoiceField(["node", "species", "hour", "day"])
    start = Moment(allow_null=True, help_text="Null for all time.")
    end = Moment(allow_null=True)
    counts = serializers.SerializerMethodField()

    @extend_schema_field(
        PolymorphicProxySerializer(
            component_name="CountByAnything",
            serializers=[CountByNode, CountBySpecies, CountByHour, CountByDay],
            resource_type_field_name=None,
            many=True,
        )
    )
    def get_counts(self, answer: dict[str, Any]) -> Any:
        """Return the counts themselves."""
        kinds = {"node": CountByNode, "species": CountBySpecies, "hour": CountByHour}
        return kinds.get(answer["by"], CountByDay)(answer["counts"], many=True).data
