"""Counts all birds once more, beside a running daemon, and corrects wrong counts.

It goes piece by piece. One statement compares a piece, and sees birds and counts at one moment:
since both change in the same transactions, they must agree, and nothing has to wait. Only a piece
that is wrong is compared again while no other transaction can change a count, and is corrected.
"""

import datetime
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from django.db import OperationalError, connection, transaction

from birdwatcher.birds.models import Bird, Species
from birdwatcher.common.database import engine
from birdwatcher.common.database.tables import execute
from birdwatcher.common.units import HOUR
from birdwatcher.nodes.models import Node
from birdwatcher.rollups.hours import hour_of
from birdwatcher.rollups.triggers import TABLES

PIECE = 20_000  # birds of a node that are counted at once, but for more of a single hour
# Others may have to wait for as long as we do: twice PostgreSQL's deadlock_timeout, after which an
# autovacuum gives way.
LOCK_TIMEOUT = 2.0  # seconds
LOCK_PAUSE = 1.0  # seconds between two tries
LOCK_TRIES = 30

BEGINNING = datetime.datetime.min.replace(tzinfo=datetime.UTC)
END = datetime.datetime.max.replace(tzinfo=datetime.UTC)

COUNTS, OF_SPECIES, OF_NODE, TOTALS = TABLES  # the first of the birds, the others of the first

DIFFERENCES = """
    SELECT {key}, sum(kept), sum(counted) FROM (
        SELECT {key}, birds AS kept, 0 AS counted FROM {table} WHERE {rows}
        UNION ALL
        SELECT {key}, 0 AS kept, birds AS counted FROM {source}
    ) AS it GROUP BY {key} HAVING sum(kept) <> sum(counted) ORDER BY {key}
"""
CLEAR = "DELETE FROM {table} WHERE {rows}"
FILL = "INSERT INTO {table} ({key}, birds) SELECT {key}, sum(birds) FROM {source} GROUP BY {key}"
FROM_BIRDS = """(
    SELECT node_id, species_id, {hour} AS hour, 1 AS birds FROM birds_bird
    WHERE node_id = %s AND doubtful IN (%s, %s) AND "timestamp" >= %s AND "timestamp" < %s
) AS source"""
FROM_COUNTS = "(SELECT * FROM {counts} WHERE {rows}) AS source"


Part = tuple[str, list[Any]]  # SQL with its parameters


class BusyError(Exception):
    """The counts stayed locked for too long; the message is one sentence."""


@dataclass(frozen=True)
class Difference:
    """A count that is not what it should be; `of` has the columns of its key."""

    table: str
    of: dict[str, Any]
    kept: int
    counted: int


@dataclass(frozen=True)
class Piece:
    """Some rows of a table of counts, and where they come from."""

    table: str
    rows: Part
    source: Part

    def differences(self) -> list[Difference]:
        """Return the counts of it that are wrong at this moment."""
        key = TABLES[self.table]
        return [
            Difference(self.table, dict(zip(key, values, strict=True)), int(kept), int(counted))
            for *values, kept, counted in self._execute(DIFFERENCES, self.rows, self.source)
        ]

    def put_right(self) -> list[Difference]:
        """Count it again, and return the counts that were wrong. Raises BusyError.

        No other transaction changes a count meanwhile. While we wait for the lock on a table, all
        later transactions wait after us, the daemon's too. So we do not wait for the end of a long
        delete, but pause and try again.
        """
        for _ in range(LOCK_TRIES):
            try:
                with transaction.atomic():
                    # In the order in which all lock them (see `sql/triggers.postgresql.sql`).
                    tables = ["nodes_node", "birds_species", *TABLES]
                    engine().lock_tables(tables, LOCK_TIMEOUT)
                    found = self.differences()
                    self._execute(CLEAR, self.rows)
                    self._execute(FILL, self.source)
                    return found
            except OperationalError as error:
                if not isinstance(error.__cause__, psycopg.errors.LockNotAvailable):
                    raise
                time.sleep(LOCK_PAUSE)
        raise BusyError("Somebody has kept changing birds for too long; try again later.")

    def _execute(self, template: str, *parts: Part) -> Sequence[Any]:
        """Run a statement about this piece, with the parameters of `parts` of it."""
        key = ", ".join(TABLES[self.table])
        sql = template.format(key=key, table=self.table, rows=self.rows[0], source=self.source[0])
        return execute(sql, *(parameter for _, parameters in parts for parameter in parameters))


def compare(*, repair: bool) -> Iterator[Difference]:
    """Yield every count that is wrong; with `repair`, correct it.

    Raises BusyError, django.db.Error.
    """
    for piece in _pieces():
        found = piece.differences()
        if found and repair:
            found = piece.put_right()
            time.sleep(engine().pause)
        yield from found


def _pieces() -> Iterator[Piece]:
    """Yield all pieces: first the counts, since their sums are compared with them."""
    nodes = list(Node.objects.order_by("pk").values_list("pk", flat=True))
    for node in nodes:
        yield from _pieces_of(node)
    for node in nodes:
        yield _sums(OF_NODE, "node_id", node)
        yield _sums(TOTALS, "node_id", node)
    for species in list(Species.objects.order_by("pk").values_list("pk", flat=True)):
        yield _sums(OF_SPECIES, "species_id", species)


def _sums(table: str, column: str, value: int) -> Piece:
    rows = f"{column} = %s"
    return Piece(table, (rows, [value]), (FROM_COUNTS.format(counts=COUNTS, rows=rows), [value]))


def _pieces_of(node: int) -> Iterator[Piece]:
    """Yield the counts of a node, one span of time after the other."""
    source = FROM_BIRDS.format(hour=engine().hour_of('"timestamp"'))
    start = BEGINNING
    while start < END:
        end = _end_of_piece(node, start)
        span = [connection.ops.adapt_datetimefield_value(moment) for moment in (start, end)]
        yield Piece(
            COUNTS,
            ("node_id = %s AND hour >= %s AND hour < %s", [node, *span]),
            (source, [node, False, True, *span]),
        )
        start = end


def _end_of_piece(node: int, start: datetime.datetime) -> datetime.datetime:
    """Return the start of the hour after about `PIECE` birds."""
    ends = [END]
    for doubtful in (False, True):
        birds = Bird.objects.dated(doubtfully=doubtful).filter(node=node, timestamp__gte=start)
        later = birds.order_by("timestamp", "pk").values_list("timestamp", flat=True)
        ends += [max(hour_of(it), hour_of(start) + HOUR) for it in later[PIECE : PIECE + 1]]
    return min(ends)
