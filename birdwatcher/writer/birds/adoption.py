"""Carries out what people wish to become of events that are set aside: birds, or nothing.

People only record a wish (see `birds.set_aside`). The writer carries it out, since it alone inserts
the daemon's birds, and pages and programs that follow the birds rely on that. It does so between
its commits, some events at a time. One transaction deletes them here and inserts them there, so
that no death of the writer loses or doubles any.
"""

import logging
import time
from collections.abc import Callable

from django.db import DataError, IntegrityError, transaction

from birdwatcher.birds.models import NewSpecies, SetAsideEvent
from birdwatcher.birds.species import named
from birdwatcher.common.database import engine
from birdwatcher.common.database.causes import Cause, cause_of
from birdwatcher.common.units import EPOCH, MICROSECOND
from birdwatcher.nodes.models import Node
from birdwatcher.writer.birds.intake import insert_birds
from birdwatcher.writer.birds.rows import NodeEvent
from birdwatcher.writer.healing import raise_sequences
from nodeproc.logs.fold import Fold
from nodeproc.logs.speaker import about

log = logging.getLogger("birdwatcher.writer")

CHUNK = 500  # events in a transaction: some 100 ms on PostgreSQL for as many new species
LOOK = 5.0  # seconds between two looks for wishes; `look` makes the next one sooner
AGAIN = 30.0  # seconds after an error before the next try


class Adoption:
    """Carries out wishes, a piece at each call of `step`."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` is there to be replaced in tests."""
        self._clock = clock
        self._fold = Fold(log)
        self.due = clock()  # when `step` does something, by the clock

    def look(self) -> None:
        """Look for wishes at the next `step`: the database has changed."""
        self.due = min(self.due, self._clock())

    def step(self) -> None:
        """Carry out some of the oldest wish, if it is time for that.

        Call it often, outside a transaction. Raises django.db.Error, but not for an event that the
        database refuses for now: commits must go on.
        """
        began = self._clock()
        if began < self.due:
            return
        oldest = NewSpecies.objects.exclude(wish="").order_by("wished_at", "pk")
        node = oldest.values_list("pk", flat=True).first()
        if node is None:
            self.due = began + LOOK
            return
        try:
            with transaction.atomic():
                engine().prove_lock()
                self._carry_out(node)
        except (DataError, IntegrityError) as error:  # such as a species deleted at this moment
            if cause_of(error) is not Cause.SEQUENCE or not raise_sequences():
                self._failed(node, error)
            return
        # Frames that wait come first, and so do other processes at SQLite's one lock.
        ended = self._clock()
        self.due = ended + max(ended - began, engine().pause)

    def _failed(self, node: int, error: Exception) -> None:
        self.due = self._clock() + AGAIN
        what = f"node={node}: what is set aside of it could not be adopted"
        text = f"{what}: {error}; it stays, next try in {AGAIN:g} s"
        self._fold(logging.ERROR, what, text, about(node))

    def _carry_out(self, node: int) -> None:
        """Adopt or discard the next events of a node, within a transaction."""
        if not engine().hold(Node, [node]):
            return  # deleted at this moment, and its row with it
        row = NewSpecies.objects.select_for_update().get(pk=node)
        waiting = SetAsideEvent.objects.filter(node=node).order_by("pk")
        events = list(waiting.filter(pk__lte=row.up_to)[:CHUNK])
        if events:
            if row.wish == NewSpecies.Wish.ADOPT:
                species = named({event.species for event in events})
                insert_birds([_event_of(event) for event in events], species)
            waiting.filter(pk__lte=events[-1].pk).delete()
            row.events -= len(events)
            row.size -= sum(SetAsideEvent.size_of(it.species, it.name) for it in events)
        row.since = waiting.values_list("received_at", flat=True).first()
        changed = ["events", "size", "since"]
        if len(events) < CHUNK:
            text = "node=%d: as asked, what was set aside: %s, done"
            log.info(text, node, row.wish, extra=about(node))
            row.wish, row.up_to, row.wished_at = "", 0, None
            changed += ["wish", "up_to", "wished_at"]
        row.save(update_fields=changed)


def _event_of(row: SetAsideEvent) -> NodeEvent:
    """Return the event as it was before it was set aside."""
    microseconds = (row.timestamp - EPOCH) // MICROSECOND
    return row.node_id, (microseconds, row.species, row.name), row.received_at.timestamp()
