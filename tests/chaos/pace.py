"""How a node of the load sends: in which portions, with which pauses."""

import enum
import random
from collections.abc import Iterator


class Pace(enum.Enum):
    """The habits of nodes."""

    STEADY = "steady"  # a few events many times a second
    SLOW = "slow"  # one event now and then
    BURSTS = "bursts"  # hundreds at once, then silence
    FLOOD = "flood"  # as fast as it can
    TORN = "torn"  # a packet arrives in pieces, with pauses between them


def portions(pace: Pace, random: random.Random) -> Iterator[tuple[int, float]]:
    """Yield, without end, how many packets to send next and how many seconds to pause then."""
    while True:
        match pace:
            case Pace.STEADY:
                yield random.randint(1, 8), random.uniform(0.02, 0.1)
            case Pace.SLOW:
                yield 1, random.uniform(0.1, 0.8)
            case Pace.BURSTS:
                yield random.randint(50, 600), random.uniform(0.5, 2.5)
            case Pace.FLOOD:
                yield 200, 0.0
            case Pace.TORN:
                yield 1, random.uniform(0.01, 0.05)
