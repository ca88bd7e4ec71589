"""What is told to whoever follows the birds: JSON texts of one object, `type` its kind.

Pages are told of `birds`, `heartbeat`, `missed` and `trouble`. Programs, on /api/v1/live, are never
told of `missed`, since they miss nothing, but besides of

`deleted`
    Birds that are no more, at most 500, by their `ids`; with `everything`, all up to the id
    `everything_up_to`: those above it came later, and may have been told before.
`report`
    After every so many new birds: the `total` of all birds, and of each of the `nodes` that heard
    any its `id`, its `name`, its `birds` and their share in `percent`, the largest first.
`deletions_missed`
    Deletions that came longer ago than they are kept may be left out here.

What each of them has in it, the classes below say; docs/live.md shows one of each.
"""

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


class Share(msgspec.Struct, frozen=True):
    """A node's part of all birds."""

    id: int
    name: str
    birds: int
    percent: float


class Birds(msgspec.Struct, tag_field="type", tag="birds"):
    """New birds, in the order of their keys."""

    birds: Sequence[Sighting]


class Heartbeat(msgspec.Struct, tag_field="type", tag="heartbeat", omit_defaults=True):
    """All that was wanted was told: every bird up to the key `latest`, and, to programs, every
    deletion up to `deletions`, which has a meaning for the server alone."""

    latest: int
    deletions: str | None = None


class Missed(msgspec.Struct, tag_field="type", tag="missed"):
    """So many birds, or more, are left out here, before those that are told next."""

    count: int
    at_least: bool


class Deleted(msgspec.Struct, tag_field="type", tag="deleted"):
    """These birds are no more; with `everything`, all with ids up to `everything_up_to`, which is
    null without."""

    ids: Sequence[int]
    everything: bool
    everything_up_to: int | None


class DeletionsMissed(msgspec.Struct, tag_field="type", tag="deletions_missed"):
    """Deletions may be left out here, because they are not kept for so long."""


class Report(msgspec.Struct, tag_field="type", tag="report"):
    """How many birds there are, and the nodes' shares, the largest first."""

    total: int
    nodes: Sequence[Share]


class Trouble(msgspec.Struct, tag_field="type", tag="trouble"):
    """Nothing can be told for now; whatever comes next but this means that it is over."""

    reason: str


ForPrograms = Birds | Heartbeat | Deleted | DeletionsMissed | Report | Trouble


def _text(message: msgspec.Struct) -> str:
    return msgspec.json.encode(message).decode()


def birds(sightings: Sequence[Sighting]) -> str:
    """Return `Birds`."""
    return _text(Birds(sightings))


def heartbeat(latest: int, deletions: str | None = None) -> str:
    """Return `Heartbeat`."""
    return _text(Heartbeat(latest, deletions))


def missed(count: int, *, at_least: bool) -> str:
    """Return `Missed`."""
    return _text(Missed(count, at_least))


def deleted(ids: Sequence[int], up_to: int | None) -> str:
    """Return `Deleted`; all birds up to the key `up_to`, if that is given."""
    return _text(Deleted(ids, up_to is not None, up_to))


def deletions_missed() -> str:
    """Return `DeletionsMissed`."""
    return _text(DeletionsMissed())


def report(total: int, nodes: Sequence[Share]) -> str:
    """Return `Report`."""
    return _text(Report(total, nodes))


def trouble(reason: str) -> str:
    """Return `Trouble`."""
    return _text(Trouble(reason))
