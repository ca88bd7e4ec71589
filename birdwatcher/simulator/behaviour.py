"""How a simulated node behaves, and misbehaves."""

from dataclasses import dataclass

SHORTEST_INTERVAL = 1.0  # seconds between two events, without a rate
LONGEST_INTERVAL = 3.0


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What every client of a node gets. Packets are counted for each connection.

    rate: packets per second; 0 is as fast as TCP takes them; None is one every 1 to 3 seconds.
    count: after this many packets send nothing more, and keep the connection.
    drop_every: after this many packets close the connection.
    stall: after this many packets send half of the next one and nothing more; stay connected.
    garbage: the fraction of packets whose content is malformed, 0 to 1; the framing holds.
    garbage_lengths: the fraction of packets after an impossible length, 0 to 1. The framing is lost
        there, so that a client can only close the connection.
    new_species: the fraction of events that name a species that no event named before, 0 to 1.
    split: send every packet in pieces of a few bytes.
    numbered: give each bird of the node a name of its own: "Bob #17".

    Raises ValueError for a value out of range.
    """

    rate: float | None = None
    count: int | None = None
    drop_every: int | None = None
    stall: int | None = None
    garbage: float = 0.0
    garbage_lengths: float = 0.0
    new_species: float = 0.0
    split: bool = False
    numbered: bool = False

    def __post_init__(self) -> None:
        if self.rate is not None and not 0 <= self.rate < float("inf"):
            raise ValueError("a rate is 0 or more packets per second")
        if self.drop_every is not None and self.drop_every < 1:
            raise ValueError("a connection is dropped after 1 packet or more")
        if min(self.count or 0, self.stall or 0) < 0:
            raise ValueError("a number of packets is 0 or more")
        fractions = (self.garbage, self.garbage_lengths, self.new_species)
        if not all(0 <= fraction <= 1 for fraction in fractions):
            raise ValueError("a fraction is between 0 and 1")
