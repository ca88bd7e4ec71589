"""The steps of a node on one connection, without a socket or a clock.

The server executes the steps, and closes the connection after the last one.
"""

import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace

from birdwatcher.simulator import garbage
from birdwatcher.simulator.behaviour import LONGEST_INTERVAL, SHORTEST_INTERVAL, Behaviour
from birdwatcher.simulator.events import BirdEvent, EventSource, packet


@dataclass(frozen=True, slots=True)
class Wait:
    """Let this many seconds pass since the last wait ended."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Send:
    """Write these pieces, one write each; together they carry `event`, or no valid event."""

    pieces: tuple[bytes, ...]
    event: BirdEvent | None = None


@dataclass(frozen=True, slots=True)
class Silence:
    """Send nothing more and keep the connection."""


Step = Wait | Send | Silence


def conversation(
    behaviour: Behaviour, source: EventSource, pace: random.Random, faults: random.Random
) -> Iterator[Step]:
    """Yield the steps of one connection.

    `pace` draws the intervals and `faults` the misbehaviour, and `source` has a generator of its
    own: the same seed yields the same birds, whatever faults are switched on.
    """
    for sent in itertools.count():
        if sent == behaviour.drop_every:
            return
        if sent == behaviour.count:
            yield Silence()
            return
        yield Wait(_interval(behaviour, pace))
        if sent == behaviour.stall:
            unfinished = packet(source.next().payload())
            yield Send((unfinished[: len(unfinished) // 2],))
            yield Silence()
            return
        if faults.random() < behaviour.garbage_lengths:
            yield Send((garbage.impossible_length(faults),))
        yield _packet(behaviour, source, faults)


def _interval(behaviour: Behaviour, pace: random.Random) -> float:
    if behaviour.rate is None:
        return pace.uniform(SHORTEST_INTERVAL, LONGEST_INTERVAL)
    return 1 / behaviour.rate if behaviour.rate else 0.0


def _packet(behaviour: Behaviour, source: EventSource, faults: random.Random) -> Send:
    # Also drawn if garbage takes its place, so that the next birds stay the same.
    event = source.next()
    if behaviour.new_species and faults.random() < behaviour.new_species:
        event = replace(event, species=f"{event.species} {faults.getrandbits(48):012x}")
    broken = faults.random() < behaviour.garbage
    data = packet(garbage.malformed(faults, event) if broken else event.payload())
    pieces = tuple(garbage.pieces(faults, data)) if behaviour.split else (data,)
    return Send(pieces, None if broken else event)
