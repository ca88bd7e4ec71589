"""A bird as JSON, and the parameters of the list of birds."""

import datetime
from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers

from birdwatcher.api.fields import REVERSED, Digits, Moment, Text, Whole, just_after
from birdwatcher.api.filters import LONGEST
from birdwatcher.api.paging import MOST, SIZE, Cursor
from birdwatcher.api.parameters import OfBirds, found
from birdwatcher.birds.models import Bird
from birdwatcher.common.keys import BIGGEST_KEY
from birdwatcher.common.moments import EARLIEST, LATEST
from birdwatcher.common.validators import storable
from birdwatcher.nodes.models import Node
from birdwatcher.search.keyset import Direction
from birdwatcher.search.search import Search
from nodeproc.text import MAX_TEXT

ORDERS = {"-timestamp": Direction.OLDER, "timestamp": Direction.NEWER}


BIRD = {
    "id": 4711,
    "timestamp": "2026-05-01T08:46:00.250000Z",
    "name": "Robin",
    "species": "Erithacus rubecula",
    "species_id": 3,
    "node": "Dartmoor",
    "node_id": 24,
    "doubtful": False,
}
GIVEN = {
    "timestamp": "2026-05-01T10:46:00.250+02:00",
    "name": "Robin",
    "species": "Erithacus rubecula",
    "node_id": 24,
}


@extend_schema_serializer(
    examples=[
        OpenApiExample("A bird", BIRD, response_only=True),
        OpenApiExample("A bird from another source", GIVEN, request_only=True),
    ]
)
class BirdSerializer(serializers.Serializer[Bird]):
    """A bird."""

    id = serializers.IntegerField(read_only=True)
    timestamp = Moment(help_text="When the bird was heard.")
    name = Text(max_length=MAX_TEXT, trim_whitespace=False, validators=[storable])
    species = Text(
        source="species.name",
        max_length=MAX_TEXT,
        trim_whitespace=False,
        validators=[storable],
        help_text="The name of the species; a new one is created.",
    )
    species_id = serializers.IntegerField(read_only=True)
    node = serializers.CharField(source="node.name", read_only=True)
    node_id = Whole(min_value=1, max_value=BIGGEST_KEY)
    doubtful = serializers.BooleanField(
        read_only=True,
        help_text="Whether the time was more than 5 minutes ahead, or 24 hours old, on arrival.",
    )

    def validate_timestamp(self, moment: datetime.datetime) -> datetime.datetime:
        """Return the time. Raises ValidationError if it cannot be stored."""
        if not EARLIEST <= moment <= LATEST:
            raise serializers.ValidationError("The time must be from 0001-01-02 to 9999-12-30 UTC.")
        return moment

    def validate_node_id(self, key: int) -> int:
        """Return the key. Raises ValidationError if there is no such node."""
        return found(Node, key)


class BirdQuery(OfBirds):
    """The filters of birds."""

    search = serializers.CharField(
        required=False, allow_blank=True, max_length=LONGEST, help_text="The beginning of the name."
    )
    start = Moment(required=False, help_text="The earliest time.")
    end = Moment(required=False, help_text="The latest time, included.")
    doubtful = serializers.BooleanField(
        required=False, help_text="True: only birds with a doubtful time; false: only the others."
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Return the parameters. Raises ValidationError if the range is reversed."""
        if "start" in attrs and "end" in attrs and attrs["start"] > attrs["end"]:
            raise serializers.ValidationError({"end": [REVERSED]})
        return attrs

    def search_for(self) -> Search:
        """Return the search of a valid query."""
        asked = self.validated_data
        return Search(
            node=asked.get("node"),
            species=asked.get("species"),
            prefix=asked.get("search", ""),
            start=asked.get("start"),
            end=just_after(asked["end"]) if "end" in asked else None,
            doubtful=asked.get("doubtful"),
        )


class BirdListQuery(BirdQuery):
    """The filters of birds, and which page of them."""

    ordering = serializers.ChoiceField(
        list(ORDERS), required=False, default="-timestamp", help_text="Newest first by default."
    )
    page_size = Digits(
        required=False, default=SIZE, min_value=1, max_value=MOST, help_text="Birds per page."
    )
    cursor = serializers.CharField(
        required=False, max_length=64, help_text="From “next” or “previous” of another page."
    )

    def validate_cursor(self, text: str) -> Cursor:
        """Return the cursor. Raises ValidationError if it is not one."""
        try:
            return Cursor.parse(text)
        except ValueError as error:
            raise serializers.ValidationError(str(error)) from None


@extend_schema_serializer(many=False)
class BirdPageSerializer(serializers.Serializer[Any]):
    """A page of birds. It may have fewer than `page_size`, even none, although there are more: the
    list ends where `next` is null."""

    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = BirdSerializer(many=True)
