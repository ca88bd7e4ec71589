"""A node as JSON, with its current status."""

import copy
from typing import Any

from django.core.exceptions import ValidationError
from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers

from birdwatcher.api.fields import ModelSerializer, Moment
from birdwatcher.birds.models import NewSpecies
from birdwatcher.daemon.models import Daemon, now_of
from birdwatcher.daemon.node_states import WORDS, state_now
from birdwatcher.nodes.models import Node, NodeStatus

STATE_WORDS = [(word, word) for word in WORDS]


class NodeStatusSerializer(serializers.Serializer[Any]):
    """The current status of a node."""

    state = serializers.ChoiceField(STATE_WORDS)
    since = Moment(allow_null=True)
    reason = serializers.CharField(
        help_text="Why the node is in this state, if there is more to say."
    )
    pid = serializers.IntegerField(allow_null=True)
    last_event_at = Moment(allow_null=True, help_text="When the last event arrived.")
    next_try = Moment(
        allow_null=True, help_text="The time of the next attempt, while the node is backing off."
    )
    events = serializers.IntegerField(help_text="Events since the node was added.")
    rejected = serializers.IntegerField(help_text="Rejected packets since then.")
    reconnects = serializers.IntegerField(help_text="Reconnects since then.")
    last_error = serializers.CharField()

    def to_representation(self, instance: Node) -> dict[str, Any]:
        """Return the current status of a node."""
        # A daemon that is None is known, too: it need not be read again for each node.
        known = "daemon" in self.context
        daemon = self.context["daemon"] if known else Daemon.current()
        return super().to_representation(_status(instance, daemon))


class SetAsideSerializer(serializers.Serializer[Any]):
    """Events of a node that are set aside because their species are new."""

    events = serializers.IntegerField()
    size = serializers.IntegerField(help_text="As how many bytes they count.")
    since = Moment(allow_null=True, help_text="When the oldest of them was received.")
    refused = serializers.IntegerField(
        help_text="Events since the node was added that had no room; they count as rejected."
    )
    wish = serializers.ChoiceField(
        NewSpecies.Wish.choices,
        allow_blank=True,
        help_text="What the daemon is to do with them, as somebody decided; empty without one.",
    )

    def to_representation(self, instance: Node) -> dict[str, Any]:
        """Return what is set aside of a node."""
        row: NewSpecies | None = getattr(instance, "new_species", None)
        return super().to_representation(row or NewSpecies(node=instance))


NODE = {"name": "Dartmoor", "ip_address": "10.0.3.2", "port": 9999, "enabled": True}


@extend_schema_serializer(examples=[OpenApiExample("A node", NODE, request_only=True)])
class NodeSerializer(ModelSerializer):
    """A node."""

    status = NodeStatusSerializer(source="*", read_only=True)
    set_aside = SetAsideSerializer(source="*", read_only=True)

    class Meta:
        model = Node
        fields = [
            "id",
            "name",
            "ip_address",
            "port",
            "enabled",
            "max_events_per_second",
            "new_species_a_day",
            "status",
            "set_aside",
        ]

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Check the node as the admin does, which also normalizes the address."""
        node = copy.copy(self.instance) if self.instance else Node()
        for name, value in attrs.items():
            setattr(node, name, value)
        try:
            node.full_clean()
        except ValidationError as error:
            raise serializers.ValidationError(_by_field(error)) from None
        return {**attrs, **({"ip_address": node.ip_address} if "ip_address" in attrs else {})}


def _status(node: Node, daemon: Daemon | None) -> dict[str, Any]:
    shown = state_now(node, daemon, now_of(daemon))
    kept = getattr(node, "status", None) or NodeStatus(node=node)
    return {**vars(kept), "state": shown.word, "since": shown.since, "reason": shown.reason}


def _by_field(error: ValidationError) -> dict[str, list[str]]:
    found = error.message_dict
    return {("non_field_errors" if name == "__all__" else name): it for name, it in found.items()}
