"""Nodes: list, get, edit, enable, disable and restart them."""

from collections.abc import Callable, Iterable
from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from birdwatcher.api.base import Editable
from birdwatcher.api.files import ListFiles, listing
from birdwatcher.api.nodes.filters import NodeFilters
from birdwatcher.api.nodes.serializers import NodeSerializer
from birdwatcher.birds import removal
from birdwatcher.daemon.models import Daemon
from birdwatcher.nodes import actions
from birdwatcher.nodes.models import Node

Act = Callable[[Iterable[Node]], int]
OPERATE = ("nodes.operate_node",)


@extend_schema_view(
    list=listing("List nodes", NodeSerializer),
    create=extend_schema(summary="Add a node"),
    retrieve=extend_schema(summary="Get a node"),
    update=extend_schema(summary="Edit a node"),
    partial_update=extend_schema(summary="Edit some fields of a node"),
    destroy=extend_schema(
        summary="Delete a node and its birds",
        description="The response comes when everything is deleted: with millions of birds, after "
        "minutes. Meanwhile the node is disabled. If the request is interrupted, repeat it.",
    ),
)
class Nodes(ListFiles, Editable):
    """Nodes, each with its current status."""

    queryset = Node.objects.select_related("status", "new_species").order_by("name", "id")
    serializer_class = NodeSerializer
    filterset_class = NodeFilters
    writing = {
        "create": ("nodes.add_node",),
        "update": ("nodes.change_node",),
        "partial_update": ("nodes.change_node",),
        "destroy": ("nodes.delete_node", "birds.delete_bird"),
        "enable": OPERATE,
        "disable": OPERATE,
        "restart": OPERATE,
    }

    def get_serializer_context(self) -> dict[str, Any]:
        """Return the serializer's context, with the daemon read once for all nodes."""
        return {**super().get_serializer_context(), "daemon": Daemon.current()}

    def clear(self, node: Node) -> None:
        """Disable `node` and delete its birds, before it is deleted itself."""
        actions.disable([node])
        removal.clear_node(node)

    @extend_schema(summary="Enable a node", request=None)
    @action(detail=True, methods=["post"])
    def enable(self, request: Request, pk: str) -> Response:
        """Make the daemon connect to the node; no effect if it is enabled."""
        return self._act(actions.enable)

    @extend_schema(summary="Disable a node", request=None)
    @action(detail=True, methods=["post"])
    def disable(self, request: Request, pk: str) -> Response:
        """Make the daemon disconnect from the node, whose birds are kept; no effect if disabled."""
        return self._act(actions.disable)

    @extend_schema(summary="Restart a node's process", request=None)
    @action(detail=True, methods=["post"])
    def restart(self, request: Request, pk: str) -> Response:
        """Stop the node's process gracefully and start a new one; an error if it is disabled."""
        node = self.get_object()
        if not actions.restart([node]):
            raise ValidationError(f"{node.name} is disabled: it has no process to restart.")
        return Response(self.get_serializer(self.get_object()).data)

    def _act(self, act: Act) -> Response:
        act([self.get_object()])
        return Response(self.get_serializer(self.get_object()).data)
