"""How many birds there are, by hour, node and species: the source of charts and totals.

The four tables count the same birds, those with a doubtful time too, and have no rows for 0.
`HourlyCount` holds everything; the others are its sums. They are needed because in many networks
`HourlyCount` has almost one row a bird: only one of its species at that node in that hour. With the
sums, a year of one species or one node is still no more rows than hours.

They always agree with the table of birds: code that inserts birds calls `rollups.counting.count` in
the same transaction, and triggers count every change and delete, whatever makes it (see
`rollups.triggers`). `hour` is the start of an hour in UTC.
"""

from django.db import models

from birdwatcher.birds.models import Species
from birdwatcher.nodes.models import Node


def _node() -> models.ForeignKey[Node]:
    """Return a key of nodes; counts are deleted with their node, by an index of each table."""
    return models.ForeignKey(Node, on_delete=models.CASCADE, related_name="+", db_index=False)


def _species() -> models.ForeignKey[Species]:
    """Return a key of species; counts are deleted with their species in the same way."""
    return models.ForeignKey(Species, on_delete=models.CASCADE, related_name="+", db_index=False)


class Count(models.Model):
    """How many birds there are of one kind; never 0."""

    birds = models.PositiveBigIntegerField()

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.birds} birds"


class HourlyCount(Count):
    """How many birds of one species one node heard in one hour."""

    node = _node()
    species = _species()
    hour = models.DateTimeField()

    class Meta:
        # The hour stands before the species, so that a node's last days lie together.
        constraints = [
            models.UniqueConstraint(fields=["node", "hour", "species"], name="rollups_hourly_key")
        ]
        indexes = [
            models.Index(fields=["hour"], name="rollups_hourly_hour"),
            models.Index(fields=["species", "hour"], name="rollups_hourly_species"),
        ]


class HourlyOfSpecies(Count):
    """How many birds of one species all nodes heard in one hour."""

    species = _species()
    hour = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["species", "hour"], name="rollups_of_species_key")
        ]
        indexes = [models.Index(fields=["hour"], name="rollups_of_species_hour")]


class HourlyOfNode(Count):
    """How many birds of all species one node heard in one hour."""

    node = _node()
    hour = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["node", "hour"], name="rollups_of_node_key")]
        indexes = [models.Index(fields=["hour"], name="rollups_of_node_hour")]


class TotalCount(Count):
    """How many birds of one species one node ever heard."""

    node = _node()
    species = _species()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["node", "species"], name="rollups_total_key")
        ]
        indexes = [models.Index(fields=["species"], name="rollups_total_species")]
