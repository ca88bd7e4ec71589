"""Entering a bird that did not come through the daemon: by hand, or from elsewhere.

Programs that follow the table of birds go by the keys, and rely on keys becoming visible in their
order (see `birdwatcher.feed`). The daemon's writer inserts in one transaction at a time; here
another one comes beside it. So it must not take its key while the writer's transaction has taken
keys and is not committed, nor the other way round:

- On SQLite, a transaction that writes is alone from its start.
- On PostgreSQL, every transaction of the writer's in which there are birds locks their nodes before
  it inserts anything (`Engine.hold`), and with that the table of nodes in the mode ROW SHARE. Here
  the same table is locked in the one mode that excludes this and lets readers pass, EXCLUSIVE,
  before anything else. The table of birds itself would do as well, but for two things: an
  autovacuum of it, which takes minutes with many birds, would be cancelled by each bird that is
  entered; and while some other work on that table held us up, the writer would wait after us.

No deadlock is possible: this transaction waits for its turn before it holds anything. Then no other
transaction holds the row of a node (the writer, a delete or an edit of a node, `rebuildrollups`);
and those that hold what is needed here, species or counts, because they delete a species or birds,
need no row of a node any more. What is needed here is locked in the same order as everywhere:
species, then counts (see `rollups/sql`).
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import transaction

from birdwatcher.birds.clock import is_doubtful
from birdwatcher.birds.models import Bird, Species
from birdwatcher.birds.species import named
from birdwatcher.common.database import engine
from birdwatcher.common.units import EPOCH, MICROSECOND
from birdwatcher.nodes.models import Node
from birdwatcher.rollups import counting

# Seconds for all of it, on PostgreSQL. The writer waits after the bird that waits for its turn
# here, and then until that is done, so this is the longest that the writer can be held up.
PATIENCE = 1.0


def enter(bird: Bird, species: str | None = None) -> None:
    """Insert a new bird, checked already, and count it; make its species if that is new.

    `species`: the name of its species, if `bird` does not say which. It is marked as doubtful if
    its time is. Raises Node.DoesNotExist if its node was deleted, and django.db.Error: among them
    IntegrityError if its species is renamed or deleted at this very moment, OperationalError if it
    is not done within `PATIENCE`, because others hold locks for longer. In a transaction that is
    open already, what comes after this should be little: the writer waits for its end.
    """
    with _turn():
        bird.node = Node.objects.get(pk=bird.node_id)
        if species is not None:
            bird.species = Species(pk=named([species])[species], name=species)
        microseconds = (bird.timestamp - EPOCH) // MICROSECOND
        bird.doubtful = bird.doubtful or is_doubtful(microseconds, time.time())
        bird.save(force_insert=True)
        counting.count([bird])


@contextmanager
def _turn() -> Iterator[None]:
    """Keep others from inserting birds until the transaction, perhaps one already open, ends."""
    with transaction.atomic(), engine().within(PATIENCE):
        engine().lock_tables([Node._meta.db_table])  # noqa: SLF001 Django documents it
        yield
