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


class NewSpecies(models.Model):
    """The new species of one node: how many it named today, and what is set aside of it.

    A node may name so many new species in a day (UTC, by the writer's clock). Events that name more
    are `SetAsideEvent` rows until a person decides. The writer alone makes these rows and carries
    out what people wish; they write only the fields of the wish (see `birds.set_aside`).

    `named` species were made on `day` because this node named them first; deleting them changes
    nothing. `events` are set aside, which count as `size` bytes, the oldest received at `since`.
    `refused` events, since the node was added, had no room there. `wish` is what is to become of
    the events up to the key `up_to`.
    """

    class Wish(models.TextChoices):
        """What a person decided."""

        ADOPT = "adopt", "adopt"
        DISCARD = "discard", "discard"

    node = models.OneToOneField(
        Node, on_delete=models.CASCADE, primary_key=True, related_name="new_species"
    )
    day = models.DateField()
    named = models.PositiveIntegerField(default=0)
    events = models.BigIntegerField(default=0)
    size = models.BigIntegerField(default=0)
    since = models.DateTimeField(null=True)
    refused = models.BigIntegerField(default=0)
    wish = models.CharField(max_length=8, choices=Wish.choices, blank=True)
    up_to = models.BigIntegerField(default=0)
    wished_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name_plural = "new species"

    def __str__(self) -> str:
        return f"{self.events} events set aside (node {self.node_id})"


class SetAsideEvent(models.Model):
    """An event whose species its node may not make: kept whole until a person decides.

    The columns are those of a bird and its species, so that what the database takes here it also
    takes there. The keys have the order of the node's events.
    """

    OVERHEAD = 100  # bytes that a row and its keys take beside its texts, about

    node = models.ForeignKey(
        Node, on_delete=models.CASCADE, related_name="set_aside", db_index=False
    )
    species = models.CharField(max_length=MAX_TEXT)
    timestamp = models.DateTimeField()
    name = models.CharField(max_length=MAX_TEXT)
    received_at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["node", "id"], name="birds_setaside_node")]

    def __str__(self) -> str:
        return printable(f"{self.name} ({self.species})")

    @classmethod
    def size_of(cls, species: str, name: str) -> int:
        """Return as how many bytes an event counts."""
        return len(species.encode()) + len(name.encode()) + cls.OVERHEAD
