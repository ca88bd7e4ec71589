"""The messages that are the same for every table: JSON objects, `type` their kind.

The rows of a table have messages of their own (`feed.birds.messages`). docs/live.md shows an
example of each. Pages get `heartbeat`, `missed` and `trouble`; programs, on /api/v1/live, never get
`missed`, since they miss nothing, but also `deleted` and `deletions_missed`.
"""

from collections.abc import Sequence

import msgspec


class Heartbeat(msgspec.Struct, tag_field="type", tag="heartbeat", omit_defaults=True):
    """Everything wanted was sent: every row up to the key `latest`, and, to programs, every
    deletion up to `deletions`, which only the server can read (`cursor.DeletionToken`)."""

    latest: int
    deletions: str | None = None


class Missed(msgspec.Struct, tag_field="type", tag="missed"):
    """This many rows, or more with `at_least`, are left out before those that are sent next."""

    count: int
    at_least: bool


class Deleted(msgspec.Struct, tag_field="type", tag="deleted"):
    """The rows `ids`, at most 500, were deleted; with `everything`, all up to `everything_up_to`,
    else null. Later ones may have been sent before."""

    ids: Sequence[int]
    everything: bool
    everything_up_to: int | None


class DeletionsMissed(msgspec.Struct, tag_field="type", tag="deletions_missed"):
    """Deletions may be left out here, because they are not kept for so long."""


class Trouble(msgspec.Struct, tag_field="type", tag="trouble"):
    """Nothing can be sent for now; any other message means that this is over."""

    reason: str


def encode(message: msgspec.Struct) -> str:
    """Return `message` as it is sent."""
    return msgspec.json.encode(message).decode()


def heartbeat(latest: int, deletions: str | None = None) -> str:
    """Return `Heartbeat`."""
    return encode(Heartbeat(latest, deletions))


def missed(count: int, *, at_least: bool) -> str:
    """Return `Missed`."""
    return encode(Missed(count, at_least))


def deleted(ids: Sequence[int], up_to: int | None) -> str:
    """Return `Deleted`; all rows up to the key `up_to`, if that is given."""
    return encode(Deleted(ids, up_to is not None, up_to))


def deletions_missed() -> str:
    """Return `DeletionsMissed`."""
    return encode(DeletionsMissed())


def trouble(reason: str) -> str:
    """Return `Trouble`."""
    return encode(Trouble(reason))
