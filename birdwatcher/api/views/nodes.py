"""Nodes: what they are, how they are, and what operators do to them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from birdwatcher.api.filters import NodeFilters
from birdwatcher.api.serializers import NodeSerializer
from birdwatcher.api.views.base import Editable
from birdwatcher.api.views.files import ListFiles, listing
from birdwatcher.birds import removal
from birdwatcher.daemon.models import Daemon
from birdwatcher.nodes import actions
from birdwatcher.nodes.models import Node

Act = Callable[[Iterable[Node], AbstractBaseUser], int]
OPERATE = ("nodes.operate_node",)


@extend_schema_view(
    list=listing("List nodes", NodeSerializer),
    create=extend_schema(summary="Add a node"),
    retrieve=extend_schema(summary="Tell of a node"),
    update=extend_schema(summary="Edit a node"),
    partial_update=extend_schema(summary="Edit a node in part"),
    destroy=extend_schema(
        summary="Delete a node and its birds",
        description="The answer comes when all of it is done: with millions of birds, after "
        "minutes. Meanwhile the node is disabled; interrupted, it can be done again.",
    ),
)
class Nodes(ListFiles, Editable):
    """Nodes, each with what the daemon says of it now."""

    queryset = Node.objects.select_related("status").order_by("name", "id")
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
        """Return what the serializer needs to know: the daemon, read once for all nodes."""
        return {**super().get_serializer_context(), "daemon": Daemon.current()}

    def clear(self, node: Node) -> None:
        """Delete the birds of a node that is to be deleted; until it is, it stays disabled."""
        actions.disable([node], self.request.user)
        removal.clear_node(node)

    @extend_schema(summary="Have the daemon connect to a node", request=None)
    @action(detail=True, methods=["post"])
    def enable(self, request: Request, pk: str) -> Response:
        """Enable the node; nothing happens if it is."""
        return self._act(actions.enable)

    @extend_schema(summary="Have the daemon leave a node alone", request=None)
    @action(detail=True, methods=["post"])
    def disable(self, request: Request, pk: str) -> Response:
        """Disable the node; nothing happens if it is. Its birds are kept."""
        return self._act(actions.disable)

    @extend_schema(summary="Restart a node's process", request=None)
    @action(detail=True, methods=["post"])
    def restart(self, request: Request, pk: str) -> Response:
        """End the node's process in good order and start a new one; an error if it is disabled."""
        node = self.get_object()
        if not actions.restart([node], request.user):
            raise ValidationError(f"{node.name} is disabled: it has no process to restart.")
        return Response(self.get_serializer(self.get_object()).data)

    def _act(self, act: Act) -> Response:
        act([self.get_object()], self.request.user)
        return Response(self.get_serializer(self.get_object()).data)
