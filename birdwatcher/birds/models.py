"""Birds and their species."""

from __future__ import annotations

from django.db import models

from birdwatcher.common.indexes import PrefixIndex
from birdwatcher.common.locking import LockedDeleteModel
from birdwatcher.common.validators import STORABLE_MOMENT, storable
from birdwatcher.nodes.models import Node
from nodeproc.text import MAX_TEXT, printable


class Species(LockedDeleteModel):
    """A species; the first event that names it creates it."""

    name = models.CharField(max_length=MAX_TEXT, unique=True, validators=[storable])

    class Meta:
        ordering = ["name", "id"]
        verbose_name_plural = "species"

    def __str__(self) -> str:
        return printable(self.name)


class BirdQuerySet(models.QuerySet["Bird"]):
    """Birds, filtered so that the indexes can be used."""

    def dated(self, *, doubtfully: bool) -> BirdQuerySet:
        """Return the birds whose time is doubtful, or those whose time is not."""
        # Not `doubtful=False`: that becomes `NOT doubtful`, for which SQLite uses no index.
        return self.filter(doubtful__in=[doubtfully])


class Bird(models.Model):
    """One event: this node heard this bird at this time."""

    timestamp = models.DateTimeField(
        validators=STORABLE_MOMENT, help_text="When the bird was heard."
    )
    name = models.CharField(
        max_length=MAX_TEXT, validators=[storable], help_text="The bird's given name."
    )
    # Indexes below begin with the foreign keys, so these need no index of their own.
    species = models.ForeignKey(
        Species, on_delete=models.CASCADE, related_name="birds", db_index=False
    )
    node = models.ForeignKey(Node, on_delete=models.CASCADE, related_name="birds", db_index=False)
    doubtful = models.BooleanField(
        "doubtful clock",
        default=False,
        db_default=False,
        help_text=(
            "On arrival, the time was more than 5 minutes ahead or 24 hours old: the node's clock "
            "may be wrong. Such birds do not count as the newest."
        ),
    )

    objects = BirdQuerySet.as_manager()

    class Meta:
        ordering = ["-timestamp", "-id"]
        # `doubtful` is the first or second column, so that a list of plausible birds never reads a
        # million birds dated 1970 or 2099, nor the other way round.
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
