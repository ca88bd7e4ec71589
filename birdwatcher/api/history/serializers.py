"""Rejected packets and changes of state as JSON."""

import base64

from rest_framework import serializers

from birdwatcher.accounts.access import may_see_raw
from birdwatcher.api.fields import ModelSerializer, Moment
from birdwatcher.nodes.models import REASONS, STATES, RejectedPacket, StatusChange


class RejectedPacketSerializer(ModelSerializer):
    """A rejected packet."""

    node_id = serializers.IntegerField()
    at = Moment()
    reason = serializers.ChoiceField(REASONS)
    size = serializers.IntegerField(help_text="The announced size of the packet in bytes.")
    raw = serializers.SerializerMethodField(
        help_text="The first bytes in base64; null without a log-in and without a token."
    )

    class Meta:
        model = RejectedPacket
        fields = ["id", "node_id", "at", "reason", "size", "raw"]

    def get_raw(self, packet: RejectedPacket) -> str | None:
        """Return the first bytes in base64, if the asker may see them."""
        if not may_see_raw(self.context["request"].user):
            return None
        return base64.b64encode(bytes(packet.raw)).decode()


class StatusChangeSerializer(ModelSerializer):
    """A change of a node's state. `detail` is the last error while that lasted; it may change."""

    node_id = serializers.IntegerField()
    at = Moment()
    state = serializers.ChoiceField(STATES)

    class Meta:
        model = StatusChange
        fields = ["id", "node_id", "at", "state", "pid", "detail"]
