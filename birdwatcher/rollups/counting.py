"""Counting the birds that are being inserted."""

from collections import Counter
from collections.abc import Iterable

from birdwatcher.birds.models import Bird
from birdwatcher.common.database import engine
from birdwatcher.common.database.tables import Groups, Sums
from birdwatcher.common.units import EPOCH, HOUR
from birdwatcher.rollups.triggers import TABLES

MICROSECONDS = 3_600_000_000  # of an hour

# In groups, an hour is the number of hours since 1970.
SUMS = Sums(("node_id", "species_id", "hour"), "birds", TABLES, "birdwatcher_count_birds")


def count(birds: Iterable[Bird]) -> None:
    """Count birds that are being inserted, in the same transaction.

    Everything that inserts birds calls this, but for the writer, which calls `add`. Raises
    django.db.Error.
    """
    add(Counter((it.node_id, it.species_id, (it.timestamp - EPOCH) // HOUR) for it in birds))


def add(groups: Groups) -> None:
    """Count groups of birds that are being inserted, in the same transaction.

    On PostgreSQL this keeps their nodes and species from being deleted meanwhile, which must come
    before any count is touched (see `sql/triggers.postgresql.sql`). Raises django.db.Error, and
    OverflowError for an hour outside the years 1 to 9999.
    """
    engine().add(SUMS, groups)
