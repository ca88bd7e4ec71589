"""Entering a bird that did not come through the daemon: by hand, or from elsewhere.

Who follows the table of birds goes by their keys, and rests on keys becoming visible in their order
(see `birdwatcher.feed`). The daemon's writer inserts in one transaction at a time; here another one
comes beside it. So it must neither take its key while the writer's transaction has taken some and
is not committed, nor the other way round:

- On SQLite, a transaction that writes is alone from its start.
- On PostgreSQL, every transaction of the writer's in which there are birds locks their nodes before
  it inserts anything (`writer.holding`), and with that the table of nodes in the mode ROW SHARE.
  Here the same table is locked in the one mode that excludes this and lets readers pass, EXCLUSIVE,
  before anything else. The table of birds itself would do as well, but for two things: an
  autovacuum of it, which takes minutes with many birds, would be cancelled by each bird that is
  entered; and while some other work on that table held us up, the writer would wait behind us.

Nobody waits for somebody who waits for him: this waits for its turn before it has anything. Then
nobody else has a row of a node (the writer, who deletes or edits a node, `rebuildrollups`), and who
has something that is wanted here, species or counts, because he deletes a species or birds, wants
no row of a node any more. What is wanted here is taken in the order of all others, too: species,
then counts (see `rollups.triggers`).
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import IntegrityError, transaction

from birdwatcher.birds.clock import is_doubtful
from birdwatcher.birds.models import Bird, Species
from birdwatcher.common.database import engine
from birdwatcher.common.units import EPOCH, MICROSECOND
from birdwatcher.nodes.models import Node
from birdwatcher.rollups import counting

# Seconds for all of it, on PostgreSQL. The writer waits behind whoever waits for its turn here, and
# then until that is done, so this is what it may lose at most.
PATIENCE = 1.0


def enter(bird: Bird, species: str | None = None) -> None:
    """Insert a new bird, checked already, and count it; make its species if that is new.

    `species`: the name of its species, if `bird` does not say which. It is marked as doubtful if
    its time is. Raises Node.DoesNotExist if its node is no more, and django.db.Error: among them
    IntegrityError if its species is deleted at this very moment, OperationalError if it is not done
    within `PATIENCE`, because others do not let go of what they hold. In a transaction that is open
    already, what comes after this should be little: the writer waits for its end.
    """
    with _turn():
        bird.node = Node.objects.get(pk=bird.node_id)
        if species is not None:
            bird.species = _species(species)
        microseconds = (bird.timestamp - EPOCH) // MICROSECOND
        bird.doubtful = bird.doubtful or is_doubtful(microseconds, time.time())
        bird.save(force_insert=True)
        counting.count([bird])


def _species(name: str) -> Species:
    """Return the species, made if it is new. Raises IntegrityError if it is deleted meanwhile."""
    Species.objects.bulk_create([Species(name=name)], ignore_conflicts=True)
    try:
        return Species.objects.get(name=name)
    except Species.DoesNotExist:
        raise IntegrityError(f"The species “{name}” was just deleted.") from None


@contextmanager
def _turn() -> Iterator[None]:
    """Let nobody else insert birds until the transaction, perhaps one that is open, is over."""
    with transaction.atomic(), engine().within(PATIENCE):
        engine().lock_tables([Node._meta.db_table])  # noqa: SLF001 Django documents it
        yield
