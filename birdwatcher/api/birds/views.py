"""Birds: list, export, get, add and delete them."""

import datetime
from typing import Any

from django.db import transaction
from django.http.response import HttpResponseBase
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from birdwatcher.accounts import rate_limit
from birdwatcher.accounts.askers import asker
from birdwatcher.api.base import Base
from birdwatcher.api.birds.serializers import (
    ORDERS,
    BirdListQuery,
    BirdPageSerializer,
    BirdSerializer,
)
from birdwatcher.api.files import FILES, HasFiles, download
from birdwatcher.api.paging import bird_page, links
from birdwatcher.api.permissions import MayWrite
from birdwatcher.audit.models import Action
from birdwatcher.audit.record import record
from birdwatcher.birds.models import Bird
from birdwatcher.exports import birds as exports
from birdwatcher.exports.file_formats import FORMATS
from birdwatcher.intake import birds as entry
from birdwatcher.nodes.models import Node

RECORDED = 10  # birds added in a minute by one asker: data of machines must not fill the audit log


@extend_schema_view(
    retrieve=extend_schema(summary="Get a bird"),
    destroy=extend_schema(summary="Delete a bird"),
)
class Birds(
    HasFiles, Base, mixins.RetrieveModelMixin, mixins.DestroyModelMixin, GenericViewSet[Any]
):
    """Birds, heard by nodes or added from other sources."""

    queryset = Bird.objects.select_related("node", "species").order_by()
    serializer_class = BirdSerializer
    permission_classes = [MayWrite]
    pagination_class = None
    filter_backends: list[Any] = []
    writing = {"create": ("birds.add_bird",), "destroy": ("birds.delete_bird",)}

    @extend_schema(
        summary="List birds",
        description="As JSON, one page, which does not shift when birds arrive; as CSV or JSON "
        "lines, all birds that match, newest first. Columns of CSV and fields of JSON lines: "
        f"{', '.join(exports.COLUMNS)}.",
        parameters=[BirdListQuery],
        responses={
            (200, "application/json"): BirdPageSerializer,
            **FILES,
        },
    )
    def list(self, request: Request) -> HttpResponseBase:
        """Return a page or a file."""
        query = BirdListQuery.of(request)
        asked, search = query.validated_data, query.search_for()
        if request.accepted_renderer.format in FORMATS:
            for name in ("cursor", "page_size", "ordering"):
                if name in request.query_params:
                    raise ValidationError({name: ["A file holds all birds, newest first."]})
            return download(request, exports.Birds(search, datetime.UTC))
        order = ORDERS[asked["ordering"]]
        page = bird_page(search, order, asked.get("cursor"), asked["page_size"])
        results = BirdSerializer(page.birds, many=True).data
        return Response({**links(request, page), "results": results})

    @extend_schema(
        summary="Add a bird from another source",
        description="It is treated as if the node had sent it now: if its time is more than 5 "
        "minutes ahead or 24 hours old, it is doubtful.",
    )
    def create(self, request: Request) -> Response:
        """Add a bird."""
        serializer = BirdSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        given = serializer.validated_data
        bird = Bird(timestamp=given["timestamp"], name=given["name"], node_id=given["node_id"])
        # Before the transaction, so that it is over soon.
        sender = asker(request, request.auth).name
        is_recorded = rate_limit.take(f"recorded birds of {sender}", RECORDED)
        try:
            with transaction.atomic():
                entry.enter(bird, species=given["species"]["name"])
                if is_recorded:
                    record(Action.ADD, [bird], "Added by a program.")
        except Node.DoesNotExist:
            raise ValidationError({"node_id": ["The node was just deleted."]}) from None
        return Response(BirdSerializer(bird).data, status=201)

    def perform_destroy(self, bird: Bird) -> None:
        """Delete the bird, and record it in the audit log."""
        with transaction.atomic():
            record(Action.DELETE, [bird], "Deleted by a program.")
            bird.delete()
