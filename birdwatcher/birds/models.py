"""Birds and their species."""

from __future__ import annotations

from django.db import models

from birdwatcher.common.indexes import PrefixIndex
from birdwatcher.common.locking import LockedDeleteModel
from birdwatcher.common.validators import STORABLE_MOMENT, no_control_characters
from birdwatcher.nodes.models import Node


class Species(LockedDeleteModel):
    """A species, made when the first event names it."""

    name = models.CharField(max_length=255, unique=True, validators=[no_control_characters])

    class Meta:
        ordering = ["name", "id"]
        verbose_name_plural = "species"

    def __str__(self) -> str:
        return self.name


class BirdQuerySet(models.QuerySet["Bird"]):
    """Birds, to be read in the order of their indexes."""

    def dated(self, *, doubtfully: bool) -> BirdQuerySet:
        """Return the birds whose time is doubtful, or those whose time is not."""
        # Not `doubtful=False`, which becomes `NOT doubtful`, and for that SQLite uses no index.
        return self.filter(doubtful__in=[doubtfully])


class Bird(models.Model):
    """One event: this bird was heard by this node at this time."""

    timestamp = models.DateTimeField(
        validators=STORABLE_MOMENT, help_text="When the bird was heard."
    )
    name = models.CharField(
        max_length=255, validators=[no_control_characters], help_text="The bird's given name."
    )
    # The indexes below begin with the foreign keys, which therefore need none of their own.
    species = models.ForeignKey(
        Species, on_delete=models.CASCADE, related_name="birds", db_index=False
    )
    node = models.ForeignKey(Node, on_delete=models.CASCADE, related_name="birds", db_index=False)
    doubtful = models.BooleanField(
        "doubtful clock",
        default=False,
        db_default=False,
        help_text=(
            "When it arrived, it was dated more than 5 minutes ahead or 24 hours ago: the node's "
            "clock may be wrong. Such birds do not count as the newest."
        ),
    )

    objects = BirdQuerySet.as_manager()

    class Meta:
        ordering = ["-timestamp", "-id"]
        # `doubtful` comes first, or next to first, so that a million birds dated 1970 or 2099 never
        # stand between a reader and the newest plausible one, nor the other way round.
        indexes = [
            models.Index(fields=["doubtful", "-timestamp", "-id"], name="birds_bird_newest"),
            models.Index(
                fields=["node", "doubtful", "-timestamp", "-id"], name="birds_bird_node_newest"
            ),
            models.Index(
                fields=["species", "doubtful", "-timestamp", "-id"],
                name="birds_bird_species_newest",
            ),
            PrefixIndex(fields=["doubtful", "name"], name="birds_bird_name_prefix"),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.species})"
