"""The messages that are the same for every table: JSON objects, `type` their kind.

The rows of a table have messages of their own (`feed.birds.messages`). docs/live.md shows an
example of each. Pages get `heartbeat`, `missed` and `trouble`; programs, on /api/v1/live, never get
`missed`, since they miss nothing, but also `deleted` and `deletions_missed`.
"""

from collections.abc import Sequence

import msgspec


class Message(msgspec.Struct, tag_field="type"):
    """A message; `encode` makes the text that is sent."""

    def encode(self) -> str:
        """Return the message as JSON."""
        return msgspec.json.encode(self).decode()


class Heartbeat(Message, tag="heartbeat", omit_defaults=True):
    """Everything wanted was sent: every row up to the key `latest`, and, to programs, every
    deletion up to `deletions`, which only the server can read (`cursor.DeletionToken`)."""

    latest: int
    deletions: str | None = None


class Missed(Message, tag="missed"):
    """This many rows, or more with `at_least`, are left out before those that are sent next."""

    count: int
    at_least: bool


class Deleted(Message, tag="deleted"):
    """The rows `ids`, at most 500, were deleted; with `everything`, all up to `everything_up_to`,
    else null. Later ones may have been sent before."""

    ids: Sequence[int]
    everything: bool
    everything_up_to: int | None


class DeletionsMissed(Message, tag="deletions_missed"):
    """Deletions may be left out here, because they are not kept for so long."""


class Trouble(Message, tag="trouble"):
    """Nothing can be sent for now; any other message means that this is over."""

    reason: str
