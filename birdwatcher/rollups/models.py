"""How many birds there are, by hour, node and species: what charts and totals are made from."""

from __future__ import annotations

from django.db import models

from birdwatcher.birds.models import Species
from birdwatcher.nodes.models import Node


class HourlyCount(models.Model):
    """How many birds of one species one node heard in one hour, those with a doubtful time too.

    `hour` is the start of the hour in UTC. There is no row for no birds. It always agrees with the
    table of birds: whoever inserts birds calls `rollups.counting.count` in the same transaction, and
    the database itself sees to whatever is changed or deleted (see `rollups.triggers`).
    """

    hour = models.DateTimeField()
    # The constraint and the index below begin with the foreign keys.
    node = models.ForeignKey(Node, on_delete=models.CASCADE, related_name="+", db_index=False)
    species = models.ForeignKey(Species, on_delete=models.CASCADE, related_name="+", db_index=False)
    birds = models.PositiveBigIntegerField()

    class Meta:
        # The hour stands before the species, so that a node's last days lie together.
        constraints = [
            models.UniqueConstraint(fields=["node", "hour", "species"], name="rollups_hourly_key")
        ]
        indexes = [
            models.Index(fields=["hour"], name="rollups_hourly_hour"),
            models.Index(fields=["species", "hour"], name="rollups_hourly_species"),
        ]

    def __str__(self) -> str:
        return f"node {self.node_id} species {self.species_id} {self.hour}: {self.birds}"
