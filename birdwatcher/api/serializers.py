"""What is told of nodes, species and what is noted of them, and what is taken."""

from __future__ import annotations

import base64
import copy
from typing import Any

from django.core.exceptions import ValidationError
from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers

from birdwatcher.api.fields import ModelSerializer
from birdwatcher.api.moments import Moment
from birdwatcher.birds.models import Species
from birdwatcher.daemon.models import Daemon
from birdwatcher.daemon.node_states import WORDS, live
from birdwatcher.nodes.models import STATES, Node, NodeStatus, RejectedPacket, StatusChange
from nodeproc.wire.reasons import Reason

STATE_WORDS = [(word, word) for word in WORDS]


class NodeStatusSerializer(serializers.Serializer[Any]):
    """What the daemon says of a node at this moment."""

    state = serializers.ChoiceField(STATE_WORDS)
    since = Moment(allow_null=True)
    reason = serializers.CharField(help_text="Why it is in this state, if there is more to say.")
    pid = serializers.IntegerField(allow_null=True)
    last_event_at = Moment(allow_null=True, help_text="When its last event arrived.")
    next_try = Moment(allow_null=True, help_text="When it is tried again, while it backs off.")
    events = serializers.IntegerField(help_text="Since the node was added, as the other two.")
    rejected = serializers.IntegerField()
    reconnects = serializers.IntegerField()
    last_error = serializers.CharField()

    def to_representation(self, instance: Node) -> dict[str, Any]:
        """Return what the daemon says of a node."""
        # There may be none, which need not be found out again for each node.
        known = "daemon" in self.context
        daemon = self.context["daemon"] if known else Daemon.current()
        return super().to_representation(_status(instance, daemon))


NODE = {"name": "Dartmoor", "ip_address": "10.0.3.2", "port": 9999, "enabled": True}


@extend_schema_serializer(examples=[OpenApiExample("A node", NODE, request_only=True)])
class NodeSerializer(ModelSerializer):
    """A node."""

    status = NodeStatusSerializer(source="*", read_only=True)

    class Meta:
        model = Node
        fields = ["id", "name", "ip_address", "port", "enabled", "status"]

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Check it as the admin does, which also writes an address in its one form."""
        node = copy.copy(self.instance) if self.instance else Node()
        for name, value in attrs.items():
            setattr(node, name, value)
        try:
            node.full_clean()
        except ValidationError as error:
            raise serializers.ValidationError(_by_field(error)) from None
        return {**attrs, **({"ip_address": node.ip_address} if "ip_address" in attrs else {})}


def _status(node: Node, daemon: Daemon | None) -> dict[str, Any]:
    said = live(node, daemon, timezone.now())
    kept = getattr(node, "status", None) or NodeStatus(node=node)
    return {
        "state": said.word,
        "since": said.since,
        "reason": said.reason,
        "pid": kept.pid,
        "last_event_at": kept.last_event_at,
        "next_try": kept.next_try,
        "events": kept.events,
        "rejected": kept.rejected,
        "reconnects": kept.reconnects,
        "last_error": kept.last_error,
    }


def _by_field(error: ValidationError) -> dict[str, list[str]]:
    found = error.message_dict
    return {("non_field_errors" if name == "__all__" else name): it for name, it in found.items()}


class SpeciesSerializer(ModelSerializer):
    """A species."""

    class Meta:
        model = Species
        fields = ["id", "name"]


class RejectedPacketSerializer(ModelSerializer):
    """A packet that was not taken."""

    node_id = serializers.IntegerField()
    at = Moment()
    reason = serializers.ChoiceField([(it.value, it.value) for it in Reason])
    size = serializers.IntegerField(help_text="What the packet announced, in bytes.")
    raw = serializers.SerializerMethodField(help_text="Its first bytes, in base64.")

    class Meta:
        model = RejectedPacket
        fields = ["id", "node_id", "at", "reason", "size", "raw"]

    def get_raw(self, packet: RejectedPacket) -> str:
        """Return its first bytes, in base64."""
        return base64.b64encode(bytes(packet.raw)).decode()


class StatusChangeSerializer(ModelSerializer):
    """A node's state, or what was wrong with it, became another."""

    node_id = serializers.IntegerField()
    at = Moment()
    state = serializers.ChoiceField(STATES)

    class Meta:
        model = StatusChange
        fields = ["id", "node_id", "at", "state", "pid", "detail"]
