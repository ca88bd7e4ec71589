"""The tables that the page shows, with estimates of their sizes."""

from django.db.models import Model

from birdwatcher.birds.models import Bird, SetAsideEvent, Species
from birdwatcher.common.database import engine
from birdwatcher.common.database.engine import Extent
from birdwatcher.nodes.models import Node, RejectedPacket, StatusChange
from birdwatcher.rollups.models import HourlyCount

TABLES: dict[str, type[Model]] = {
    "Birds": Bird,
    "Species": Species,
    "Nodes": Node,
    "Birds by the hour, node and species": HourlyCount,
    "Changes of state": StatusChange,
    "Rejected packets": RejectedPacket,
    "Events set aside": SetAsideEvent,
}


def extents() -> dict[str, Extent]:
    """Return the extent of each table, by its title. Raises django.db.Error."""
    return dict(zip(TABLES, engine().extents(list(TABLES.values())), strict=True))
