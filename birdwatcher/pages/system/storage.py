"""The kind and size of the database, by queries whose cost does not depend on its size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Model

from birdwatcher.birds.models import Bird, Species
from birdwatcher.common.database import engine
from birdwatcher.nodes.models import Node, RejectedPacket, StatusChange
from birdwatcher.rollups.models import HourlyCount

TABLES: dict[str, type[Model]] = {
    "Birds": Bird,
    "Species": Species,
    "Nodes": Node,
    "Birds by the hour, node and species": HourlyCount,
    "Changes of state": StatusChange,
    "Rejected packets": RejectedPacket,
}


@dataclass(frozen=True)
class Table:
    """A table: an estimate of its rows, and its size in bytes with indexes; None if unknown."""

    title: str
    rows: int | None
    size: int | None = None


@dataclass(frozen=True)
class Storage:
    """A database; sizes in bytes."""

    kind: str
    version: str
    size: int
    tables: Sequence[Table]


def examine() -> Storage:
    """Return the kind, version and size of the database. Raises django.db.Error."""
    extents = engine().extents(list(TABLES.values()))
    tables = [Table(title, *extent) for title, extent in zip(TABLES, extents, strict=True)]
    return Storage(*engine().facts(), tables)
