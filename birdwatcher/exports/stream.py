"""An export on its way: read piece by piece, however many rows it has.

What one must know to change this file:

- Every piece is a query of its own, so that a client that leaves ends it after one piece at most,
  and no transaction stays open as long as somebody's slow line wants.
- Rows that come in meanwhile are left out by their keys: the file is what was there when it began,
  but for what was deleted since.
- A generator that nobody exhausts is closed by the server; that is how an export learns that its
  client has gone. One that was never begun would not notice, so the first piece is made at once.
- The server keeps a thread for each answer that it has not sent yet. Exports take half of them at
  most, so that pages are answered beside them.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import AsyncIterator, Callable, Generator, Iterator, Sequence
from typing import Protocol

from asgiref.sync import sync_to_async
from django.db import DatabaseError
from django.utils import timezone

from birdwatcher.common.limits import THREADS
from birdwatcher.exports.formats import Format, Record
from birdwatcher.exports.models import Export, State

PIECE = 2_000  # rows that are read at a time
REPORT = 1.0  # seconds between two notes of how far it has come
TIDIED = 500  # old rows that go with each new one
AT_ONCE = THREADS // 2  # files that one process of the web UI sends

_turns = threading.BoundedSemaphore(AT_ONCE)

log = logging.getLogger("birdwatcher.web")


class BusyError(Exception):
    """This process sends as many files as it may."""


class Source(Protocol):
    """What a file is made of."""

    @property
    def kind(self) -> str:
        """What the rows are, in the plural."""

    @property
    def columns(self) -> Sequence[str]:
        """How the columns are called."""

    def begin(self) -> int | None:
        """Leave out what comes in from now on, and return how many rows there are, None where only
        counting would tell. Raises django.db.Error."""

    def pieces(self, size: int) -> Iterator[Sequence[Record]]:
        """Yield all rows, about `size` at a time, each time by a query of its own; sometimes none,
        so that whoever reads this may stop, too, where a long search finds nothing."""


class Download(Iterator[bytes]):
    """A file whose first piece is made: what can go wrong at the start has not."""

    def __init__(self, pieces: Generator[bytes, None, None]) -> None:
        """Raises BusyError, django.db.Error."""
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
    """Yield the file; `export`, not saved yet, is saved and kept current meanwhile.

    Raises BusyError before it has yielded anything.
    """
    if not _turns.acquire(blocking=False):
        raise BusyError
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
        # The answer must not end as if it were whole.
        raise
    finally:
        _turns.release()
        export.state = state
        _note(export)


def tidy() -> None:
    """Delete rows of exports long over, a bounded number. Raises django.db.Error."""
    old = Export.objects.filter(started_at__lt=timezone.now() - Export.KEPT_FOR)
    keys = list(old.order_by("started_at").values_list("pk", flat=True)[:TIDIED])
    Export.objects.filter(pk__in=keys).delete()


async def asynchronously(pieces: Download) -> AsyncIterator[bytes]:
    """Yield the pieces to a server that does not wait in threads."""
    # All of them in the thread of the request, to which its connection to the database belongs.
    step, close = sync_to_async(next), sync_to_async(pieces.close)
    try:
        while (piece := await step(pieces, None)) is not None:
            if piece:
                yield piece
    finally:
        await close()


def _note(export: Export) -> None:
    """Keep how far an export has come, which is not worth failing for."""
    export.updated_at = timezone.now()
    fields = ["state", "rows", "total", "updated_at"]
    try:
        # Not `save`, which would put back a row that was tidied away.
        Export.objects.filter(pk=export.pk).update(**{it: getattr(export, it) for it in fields})
    except DatabaseError as error:
        log.warning("cannot note how far an export has come: %s", error)
