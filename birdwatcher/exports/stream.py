"""The stream of an export, read piece by piece.

What one must know to change this file:

- Every piece is a query of its own, so that an export ends at most one piece after its client has
  left, and a slow client does not keep a transaction open.
- Rows that arrive meanwhile are left out by their keys: the file has the rows that existed when it
  began, except those deleted since.
- The server closes a generator that it does not exhaust; this is how an export notices that its
  client has left. A generator that has not started would not notice, so the first piece is made at
  once.
- A thread is used for one piece at a time, and not while the client takes it. What waits for the
  client is in memory, so the number of exports is bounded.
"""

import logging
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Protocol

from django.db import DatabaseError
from django.db.models.functions import Now
from django.utils import timezone

from birdwatcher.exports.file_formats import Format, Record
from birdwatcher.exports.models import Export, State
from birdwatcher.exports.places import Places

PIECE = 2_000  # rows that are read at a time
REPORT = 1.0  # seconds between two updates of its progress
TIDIED = 500  # old rows that are deleted with each new one

_places = Places()

log = logging.getLogger("birdwatcher.web")


class Source(Protocol):
    """The source of a file's rows."""

    @property
    def kind(self) -> str:
        """The name of the rows, in the plural."""

    @property
    def columns(self) -> Sequence[str]:
        """The names of the columns."""

    def begin(self) -> int | None:
        """Leave out rows that arrive from now on; return their number, None if it is not known.

        Raises django.db.Error.
        """

    def pieces(self, size: int) -> Iterator[Sequence[Record]]:
        """Yield all rows, about `size` at a time, each piece by a query of its own.

        A piece may be empty, so that the reader can stop during a long search that finds nothing.
        """


class Download(Iterator[bytes]):
    """A file whose first piece is made, so that errors at the start have been raised."""

    def __init__(self, pieces: Generator[bytes, None, None]) -> None:
        """Raises TooManyError, BusyError, django.db.Error."""
        self._pieces = pieces
        self._first: bytes | None = next(pieces)

    def __next__(self) -> bytes:
        """Return the next piece, which may be empty."""
        first, self._first = self._first, None
        return next(self._pieces) if first is None else first

    def close(self) -> None:
        """End the export, if it has not ended yet."""
        self._pieces.close()


def stream(
    export: Export,
    source: Source,
    form: Format,
    clock: Callable[[], float] = time.monotonic,
) -> Generator[bytes, None, None]:
    """Yield the file; save `export`, which is new, and keep its progress current.

    Raises TooManyError, BusyError before it has yielded anything.
    """
    owner = (export.user_id, export.address)
    _places.take(owner)
    state = State.BROKEN_OFF
    try:
        tidy()
        export.save()
        export.total = source.begin()
        yield form.head(source.columns).encode()
        reported = clock()
        for records in source.pieces(PIECE):
            yield form.lines(records).encode()
            export.rows += len(records)
            if clock() - reported >= REPORT:
                _note(export)
                reported = clock()
        state = State.DONE
    except Exception:
        state = State.FAILED
        log.exception("an export of %s failed after %d rows", export.title, export.rows)
        # The response must not end as if it were complete.
        raise
    finally:
        _places.give_back(owner)
        export.state = state
        _note(export)


def tidy() -> None:
    """Delete some rows of old exports. Raises django.db.Error."""
    old = Export.objects.filter(started_at__lt=timezone.now() - Export.KEPT_FOR)
    keys = list(old.order_by("started_at").values_list("pk", flat=True)[:TIDIED])
    Export.objects.filter(pk__in=keys).delete()


def _note(export: Export) -> None:
    """Save the progress of an export; an error is only logged."""
    fields = ["state", "rows", "total"]
    try:
        # Not `save`, which would insert a row again that `tidy` has deleted.
        Export.objects.filter(pk=export.pk).update(
            updated_at=Now(), **{it: getattr(export, it) for it in fields}
        )
    except DatabaseError as error:
        log.warning("cannot save the progress of an export: %s", error)
