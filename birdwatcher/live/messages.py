"""What is told to whoever follows the birds: JSON texts of one object, `type` its kind."""

from __future__ import annotations

import datetime
from collections.abc import Sequence

import msgspec


class Sighting(msgspec.Struct, frozen=True):
    """A bird as it is told; `timestamp` is in UTC."""

    id: int
    timestamp: datetime.datetime
    name: str
    species: str
    species_id: int
    node: str
    node_id: int
    doubtful: bool


class _Birds(msgspec.Struct, tag_field="type", tag="birds"):
    birds: Sequence[Sighting]


class _Heartbeat(msgspec.Struct, tag_field="type", tag="heartbeat"):
    latest: int


class _Missed(msgspec.Struct, tag_field="type", tag="missed"):
    count: int
    at_least: bool


class _Trouble(msgspec.Struct, tag_field="type", tag="trouble"):
    reason: str


def _text(message: msgspec.Struct) -> str:
    return msgspec.json.encode(message).decode()


def birds(sightings: Sequence[Sighting]) -> str:
    """New birds, in the order of their keys."""
    return _text(_Birds(sightings))


def heartbeat(latest: int) -> str:
    """All is well, and every bird up to the key `latest` that is wanted was told."""
    return _text(_Heartbeat(latest))


def missed(count: int, *, at_least: bool) -> str:
    """So many birds, or more, are left out here, before those that are told next."""
    return _text(_Missed(count, at_least))


def trouble(reason: str) -> str:
    """Nothing can be told for now; whatever comes next but this means that it is over."""
    return _text(_Trouble(reason))
