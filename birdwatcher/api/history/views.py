"""What the daemon recorded of nodes: rejected packets, and changes of state."""

from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.viewsets import ReadOnlyModelViewSet

from birdwatcher.api.files import ListFiles, listing
from birdwatcher.api.history.filters import RejectedPacketFilters, StatusChangeFilters
from birdwatcher.api.history.serializers import RejectedPacketSerializer, StatusChangeSerializer
from birdwatcher.nodes.models import RejectedPacket, StatusChange


@extend_schema_view(
    list=listing("List rejected packets", RejectedPacketSerializer),
    retrieve=extend_schema(summary="Get a rejected packet"),
)
class RejectedPackets(ListFiles, ReadOnlyModelViewSet[Any]):
    """A sample of the packets that broke the protocol's rules."""

    queryset = RejectedPacket.objects.order_by("-id")
    serializer_class = RejectedPacketSerializer
    filterset_class = RejectedPacketFilters


@extend_schema_view(
    list=listing("List status changes", StatusChangeSerializer),
    retrieve=extend_schema(summary="Get a status change"),
)
class StatusChanges(ListFiles, ReadOnlyModelViewSet[Any]):
    """Changes of the states of nodes."""

    queryset = StatusChange.objects.order_by("-id")
    serializer_class = StatusChangeSerializer
    filterset_class = StatusChangeFilters
