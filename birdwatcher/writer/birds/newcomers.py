"""New species: how many a node may name in a day, and where the events go that name more.

A node decides what its events name. Without a bound, one node could make a species with each
packet, for which every list of species would pay. So a node may name so many new species in a day.
Of the events that name more, those for which there is room are set aside whole, until a person
adopts or discards them (see `adoption`); the others are refused.

All of it is decided and written in the transaction that moves the checkpoint, from what the
database holds: no name and no count is remembered here. Events of known species never come here.
"""

import datetime
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from django.conf import settings

from birdwatcher.birds.models import NewSpecies, SetAsideEvent
from birdwatcher.birds.species import new_a_day
from birdwatcher.common.database import engine
from birdwatcher.common.database.tables import Target, Values
from birdwatcher.common.units import EPOCH, moment
from birdwatcher.nodes.models import Node
from birdwatcher.writer.birds.rows import NodeEvent
from nodeproc.logs.speaker import about

log = logging.getLogger("birdwatcher.writer")

SET_ASIDE = Target(SetAsideEvent)
COUNTED = ("day", "named", "events", "size", "since", "refused")

BEYOND = (
    "more than %s new species today (UTC): events that name others are set aside; its page in the "
    "web UI shows them, to be adopted or discarded"
)
NO_ROOM = (
    "its events that are set aside fill their %s bytes, so that those of more new species are "
    "counted as rejected; adopt or discard them on its page in the web UI"
)
Note = tuple[int, str]  # a node, and one of these


class Division(NamedTuple):
    """What becomes of events, given which species are new."""

    birds: list[NodeEvent]
    others: list[NodeEvent]
    made: dict[str, int]  # the new species, and the node that named each first


def divide(events: Sequence[NodeEvent], new: set[str], left: Mapping[int, int]) -> Division:
    """Divide `events`, whose species are known or `new`, of nodes that may name `left` more: pure.

    A species that one of the nodes may name is there for the others, too.
    """
    left, made = dict(left), dict[str, int]()
    for node, (_, species, _), _ in events:
        if species in new and species not in made and left[node] > 0:
            made[species] = node
            left[node] -= 1
    beyond = new - made.keys()
    birds = [event for event in events if event[1][1] not in beyond]
    others = [event for event in events if event[1][1] in beyond]
    return Division(birds, others, made)


def today() -> datetime.date:
    """Return the day by which new species are counted: that of UTC."""
    return datetime.datetime.now(datetime.UTC).date()


class Newcomers:
    """Decides about events of new species; remembers only what it logged, and on which day."""

    def __init__(self, day: Callable[[], datetime.date] = today) -> None:
        """`day` is there to be replaced in tests."""
        self._day = day
        self._notes: dict[Note, str] = {}  # of the transaction under way
        self._logged: dict[Note, datetime.date] = {}

    def forget(self) -> None:
        """Forget what the transaction under way, which failed, would have logged."""
        self._notes.clear()

    def admit(self, events: list[NodeEvent], new: set[str]) -> tuple[Division, list[NodeEvent]]:
        """Set aside what is not to become birds; return the division, and what had no room.

        `new` are species that the database does not hold. To be called within a transaction that
        holds the nodes. Raises whatever inserting the same events as birds would raise.
        """
        nodes = {node for node, (_, species, _), _ in events if species in new}
        rows, bounds = self._rows(nodes), _bounds(nodes)
        left = {node: bounds[node] - rows[node].named for node in nodes}
        division = divide(events, new, left)
        for node in division.made.values():
            rows[node].named += 1
        kept, refused = _sorted_by_room(division.others, rows)
        engine().insert(SET_ASIDE, map(_row_of, kept))
        NewSpecies.objects.bulk_create(
            rows.values(), update_conflicts=True, unique_fields=["node"], update_fields=COUNTED
        )
        for node, *_ in kept:
            self._notes[node, BEYOND] = f"{bounds[node]:,}"
        for node, *_ in refused:
            self._notes[node, NO_ROOM] = f"{settings.BIRDWATCHER.set_aside_bytes:,}"
        return division, refused

    def committed(self) -> None:
        """Log what the transaction did, once a day for each node."""
        for note, number in self._notes.items():
            if self._logged.get(note) != self._day():
                self._logged[note] = self._day()
                node, text = note
                log.warning("node=%d: " + text, node, number, extra=about(node))
        self._notes.clear()

    def _rows(self, nodes: set[int]) -> dict[int, NewSpecies]:
        """Return the row of each node, locked if it was there, and about today."""
        day = self._day()
        rows = NewSpecies.objects.select_for_update().in_bulk(nodes)
        for node in nodes:
            row = rows.setdefault(node, NewSpecies(node_id=node, day=day))
            if row.day != day:
                row.day, row.named = day, 0
        return rows


def _bounds(nodes: set[int]) -> dict[int, int]:
    """Return how many new species each node may name in a day."""
    found = Node.objects.filter(pk__in=nodes).values_list("pk", "new_species_a_day")
    return {node: new_a_day(own) for node, own in found}


def _sorted_by_room(
    events: Iterable[NodeEvent], rows: Mapping[int, NewSpecies]
) -> tuple[list[NodeEvent], list[NodeEvent]]:
    """Return those of `events` that are set aside, counted in `rows`, and those without room."""
    kept, refused = [], []
    for event in events:
        node, (_, species, name), received_at = event
        row, size = rows[node], SetAsideEvent.size_of(species, name)
        if row.size + size > settings.BIRDWATCHER.set_aside_bytes:
            row.refused += 1
            refused.append(event)
            continue
        row.since = row.since or moment(received_at)
        row.events += 1
        row.size += size
        kept.append(event)
    return kept, refused


def _row_of(event: NodeEvent) -> Values:
    """Return the row in which an event is set aside. Raises OverflowError if it cannot be kept."""
    node, (microseconds, species, name), received_at = event
    timestamp = EPOCH + datetime.timedelta(microseconds=microseconds)
    return node, species, timestamp, name, moment(received_at)
