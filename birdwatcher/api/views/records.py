"""What is noted down of nodes: packets that were not taken, and changes of their state."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.viewsets import ReadOnlyModelViewSet

from birdwatcher.api.filters import RejectedPacketFilters, StatusChangeFilters
from birdwatcher.api.serializers import RejectedPacketSerializer, StatusChangeSerializer
from birdwatcher.api.views.base import KEY
from birdwatcher.api.views.files import ListFiles, listing
from birdwatcher.nodes.models import RejectedPacket, StatusChange


@extend_schema_view(
    list=listing("List rejected packets", RejectedPacketSerializer),
    retrieve=extend_schema(summary="Tell of a rejected packet"),
)
class RejectedPackets(ListFiles, ReadOnlyModelViewSet[Any]):
    """Packets that broke the protocol's rules: a sample of them."""

    queryset = RejectedPacket.objects.order_by("-id")
    serializer_class = RejectedPacketSerializer
    filterset_class = RejectedPacketFilters
    lookup_value_regex = KEY


@extend_schema_view(
    list=listing("List status changes", StatusChangeSerializer),
    retrieve=extend_schema(summary="Tell of a status change"),
)
class StatusChanges(ListFiles, ReadOnlyModelViewSet[Any]):
    """How the states of nodes became others."""

    queryset = StatusChange.objects.order_by("-id")
    serializer_class = StatusChangeSerializer
    filterset_class = StatusChangeFilters
    lookup_value_regex = KEY
