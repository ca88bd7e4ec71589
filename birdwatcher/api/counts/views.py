"""Counts of birds, up to any moment and in any range."""

import datetime
from typing import Any

from django.db.models import Model
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from birdwatcher.accounts.askers import asker
from birdwatcher.api.base import Base
from birdwatcher.api.counts.serializers import (
    MOST,
    CountsQuery,
    CountsSerializer,
    MomentQuery,
    NodeCountSerializer,
    SpeciesCountSerializer,
)
from birdwatcher.api.fields import just_after
from birdwatcher.api.throttle import Turns
from birdwatcher.birds.models import Species
from birdwatcher.common.moments import EARLIEST
from birdwatcher.nodes.models import Node
from birdwatcher.rollups import periods, queries, ranking
from birdwatcher.rollups.until import birds_until


class NodeCount(Base):
    """The birds of a node."""

    @extend_schema(
        summary="Count the birds of a node up to a moment",
        description="Exact: birds that arrived late or are dated in the future count too.",
        parameters=[MomentQuery],
        responses=NodeCountSerializer,
    )
    def get(self, request: Request, id: str) -> Response:  # noqa: A002 as in the address
        """Return the number."""
        return Response(NodeCountSerializer(_until(request, "node", Node, id)).data)


class SpeciesCount(Base):
    """The birds of a species."""

    @extend_schema(
        summary="Count the birds of a species up to a moment",
        description="Exact: birds that arrived late or are dated in the future count too.",
        parameters=[MomentQuery],
        responses=SpeciesCountSerializer,
    )
    def get(self, request: Request, id: str) -> Response:  # noqa: A002 as in the address
        """Return the number."""
        return Response(SpeciesCountSerializer(_until(request, "species", Species, id)).data)


class Counts(Base):
    """The birds of a range of time."""

    turns = Turns()

    @extend_schema(
        summary="Count birds by node, species, hour or day",
        description="Exact. By node and by species: only those with birds, most birds first. By "
        f"hour and by day: in order, also those without birds. At most {MOST:,} counts.",
        parameters=[CountsQuery],
        responses=CountsSerializer,
    )
    def get(self, request: Request) -> Response:
        """Return the numbers."""
        asked = CountsQuery.of(request).validated_data
        with self.turns.of(asker(request, request.auth).name):
            counts = _counted(asked)
        echoed = {name: asked.get(name) for name in ("by", "start", "end")}
        return Response(CountsSerializer({**echoed, "counts": counts}).data)


def _until(request: Request, of: str, model: type[Model], key: str) -> dict[str, Any]:
    """Return the count of birds of one row of `model` up to the given moment."""
    ts = MomentQuery.of(request).validated_data.get("ts") or timezone.now()
    row = get_object_or_404(model, pk=key)
    return {f"{of}_id": row.pk, "ts": ts, "count": birds_until(ts, **{of: row.pk})}


def _counted(asked: dict[str, Any]) -> list[dict[str, Any]]:
    by, start, end = asked["by"], asked.get("start"), asked.get("end")
    of = {name: asked[name] for name in ("node", "species") if name in asked}
    after = None if end is None else just_after(end)
    if by == "node":
        ranked = ranking.by_node(start, after, limit=MOST, **of)
        return [{"node_id": it.pk, "node": it.name, "count": n} for it, n in ranked]
    if by == "species":
        ranked = ranking.by_species(start, after, limit=MOST, **of)
        return [{"species_id": it.pk, "species": it.name, "count": n} for it, n in ranked]
    return _by_time(by, max(start, EARLIEST), after, asked.get("tz", datetime.UTC), of)


def _by_time(
    by: str,
    start: datetime.datetime,
    end: datetime.datetime,
    zone: datetime.tzinfo,
    of: dict[str, Any],
) -> list[dict[str, Any]]:
    """Return the counts from `start` until before `end`, by hours or by days of `zone`."""
    if by == "hour":
        hours = queries.per_hour(start, end, **of)
        return [{"hour": hour, "count": birds} for hour, birds in hours.items()]
    days = periods.per_day(start, end, zone, **of)
    return [{"day": day, "count": birds} for day, birds in days.items()]
