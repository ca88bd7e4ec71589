"""What the reader asks of a table that is followed; each subject has a folder that answers it.

Called in threads, never in the event loop; raises django.db.Error.
"""

from collections.abc import Sequence
from typing import Any, Protocol

from birdwatcher.feed.cursor import Cursor, DeletionCursor

Filter = Any  # the subject's own; the rest of `feed` only passes it on


class News(Protocol):
    """What one read found: rows and deletions that are new, as messages for each filter."""

    count: int
    """Number of new rows."""
    has_deletions: bool
    end: Cursor
    """Everything up to here was read."""

    def rows(self, wanted: Filter, after: int) -> str | None:
        """Return the message with the wanted rows after the key `after`, None without any."""

    def deletions(self, wanted: Filter, after: DeletionCursor) -> Sequence[str]:
        """Return the messages with the wanted deletions after `after`."""


class Table(Protocol):
    """A table that is read in the order of its keys."""

    at_once: int
    """The most rows of one read."""

    def newest(self) -> int:
        """Return the highest key, 0 without rows."""

    def newest_deletion(self) -> DeletionCursor:
        """Return the cursor after every deletion that can be sent now."""

    def after(self, cursor: Cursor) -> News:
        """Return what comes next after `cursor`."""

    def oldest_unsent_deletion(self, cursor: DeletionCursor) -> float | None:
        """Return the Unix time of the oldest deletion after `cursor`, None without any."""

    def reconnected(self) -> None:
        """Read again at the next call, whatever an earlier connection reported."""
