"""New birds and deletions, as messages for each filter."""

from collections.abc import Sequence

from birdwatcher.feed.birds import deletions
from birdwatcher.feed.birds.deletions import Deleted
from birdwatcher.feed.birds.filter import BirdFilter
from birdwatcher.feed.birds.messages import Birds, Sighting
from birdwatcher.feed.cursor import Cursor, DeletionCursor
from birdwatcher.feed.messages import Deleted as DeletedMessage

AT_ONCE = 500  # birds of one read, and of one message


class BirdNews:
    """What comes next after `start`: see `feed.table.News`.

    A message is encoded once, however many followers want the same.
    """

    def __init__(
        self, start: Cursor, birds: Sequence[Sighting] = (), deleted: Sequence[Deleted] = ()
    ) -> None:
        self.birds = birds
        self.count = len(birds)
        self.has_deletions = bool(deleted)
        self.end = Cursor(
            birds[-1].id if birds else start.key,
            deleted[-1].cursor if deleted else start.deletions,
        )
        self._start = start
        self._deleted = deleted
        self._rows: dict[tuple[BirdFilter, int], str | None] = {}
        self._deletions: dict[tuple[BirdFilter, DeletionCursor], Sequence[str]] = {}

    def rows(self, wanted: BirdFilter, after: int) -> str | None:
        """Return the message with the wanted birds after the key `after`, None without any."""
        asked = wanted, max(after, self._start.key)
        if asked not in self._rows:
            taken = [bird for bird in self.birds if bird.id > after and wanted.takes(bird)]
            self._rows[asked] = Birds(taken).encode() if taken else None
        return self._rows[asked]

    def deletions(self, wanted: BirdFilter, after: DeletionCursor) -> Sequence[str]:
        """Return the messages with the wanted deletions after `after`."""
        asked = wanted, max(after, self._start.deletions)
        if asked not in self._deletions:
            later = [it for it in self._deleted if it.cursor > after]
            self._deletions[asked] = deletion_messages(later, wanted)
        return self._deletions[asked]


def deletion_messages(deleted: Sequence[Deleted], wanted: BirdFilter) -> Sequence[str]:
    """Return the messages with those of `deleted` that are wanted."""
    pieces = deletions.pieces(deleted, wanted, AT_ONCE)
    return [DeletedMessage(ids, up_to is not None, up_to).encode() for ids, up_to in pieces]
