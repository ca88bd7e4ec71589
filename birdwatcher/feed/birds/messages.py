"""The messages about birds; `feed.messages` has those that every table shares."""

import datetime
from collections.abc import Sequence

import msgspec

from birdwatcher.feed.messages import Message


class Sighting(msgspec.Struct, frozen=True):
    """A bird as it is sent; `timestamp` is in UTC."""

    id: int
    timestamp: datetime.datetime
    name: str
    species: str
    species_id: int
    node: str
    node_id: int
    doubtful: bool


class Share(msgspec.Struct, frozen=True):
    """A node's part of all birds."""

    id: int
    name: str
    birds: int
    percent: float


class Birds(Message, tag="birds"):
    """New birds, in the order of their keys."""

    birds: Sequence[Sighting]


class Report(Message, tag="report"):
    """The number of all birds, and the share of each node that has any, the largest first."""

    total: int
    nodes: Sequence[Share]
