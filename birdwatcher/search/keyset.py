"""Positions in the order of the birds: by time, then by key."""

from __future__ import annotations

import datetime
import enum
import re
from typing import Any, NamedTuple

from django.db.models import BigIntegerField, BooleanField, DateTimeField, F, Func, Value

from birdwatcher.common.keys import BIGGEST_KEY
from birdwatcher.common.moments import EARLIEST, LATEST
from birdwatcher.common.units import EPOCH, MICROSECOND


class Position(NamedTuple):
    """A position in the order of the birds, at one of them or between two. Keys begin with 1."""

    timestamp: datetime.datetime
    key: int = 0

    def __str__(self) -> str:
        """Return microseconds since 1970, and the key, for the address of a page."""
        return f"{(self.timestamp - EPOCH) // MICROSECOND}.{self.key}"

    @classmethod
    def parse(cls, text: str) -> Position:
        """Return the position that `str` wrote. Raises ValueError for any other text."""
        match = re.fullmatch(r"(-?[0-9]{1,18})\.([0-9]{1,19})", text, re.ASCII)
        if not match or int(match[2]) > BIGGEST_KEY:
            raise ValueError(f"“{text}” is not a position in the list of birds.")
        microseconds = int(match[1])
        lowest, highest = ((edge - EPOCH) // MICROSECOND for edge in (EARLIEST, LATEST))
        clamped = min(max(microseconds, lowest), highest + 1)
        return cls(EPOCH + clamped * MICROSECOND, int(match[2]))


class Stretch(NamedTuple):
    """The stretch between two positions, both excluded; None where it has no end."""

    after: Position | None = None
    before: Position | None = None

    def meet(self, other: Stretch) -> Stretch:
        """Return the intersection of both."""
        after = max(filter(None, (self.after, other.after)), default=None)
        before = min(filter(None, (self.before, other.before)), default=None)
        return Stretch(after, before)

    @property
    def empty(self) -> bool:
        """Whether nothing can lie in it."""
        return bool(self.after and self.before and self.after >= self.before)

    def conditions(self) -> list[_Beside]:
        """Return the conditions of birds inside the stretch."""
        edges = ((self.after, ">"), (self.before, "<"))
        return [_Beside(edge, sign) for edge, sign in edges if edge]


class Direction(enum.Enum):
    """A direction along the order of the birds."""

    OLDER = ("-timestamp", "-id")
    NEWER = ("timestamp", "id")

    def beyond(self, position: Position | None) -> Stretch:
        """Return the stretch beyond `position` in this direction; without one, everything."""
        if self is Direction.OLDER:
            return Stretch(before=position)
        return Stretch(after=position)

    def returning_to(self, position: Position) -> Position:
        """Return where to start in the opposite direction so that `position` itself is included."""
        step = -1 if self is Direction.OLDER else 1
        return position._replace(key=min(max(position.key + step, 0), BIGGEST_KEY))


class _Beside(Func):
    """Compare a bird with a position.

    A comparison of rows, for which both databases use an index. With OR they would not, and would
    read a million birds of the same second, from a clock that stands still, for each page.
    """

    output_field = BooleanField()

    def __init__(self, position: Position, sign: str) -> None:
        timestamp = Value(position.timestamp, output_field=DateTimeField())
        key = Value(position.key, output_field=BigIntegerField())
        super().__init__(F("timestamp"), F("id"), timestamp, key, sign=sign)

    def as_sql(self, compiler: Any, connection: Any, **context: Any) -> tuple[str, list[Any]]:
        """Return the SQL, which is the same for both databases."""
        compiled = [compiler.compile(source) for source in self.source_expressions]
        timestamp, key, *place = [sql for sql, _ in compiled]
        sql = f"({timestamp}, {key}) {self.extra['sign']} ({place[0]}, {place[1]})"
        return sql, [value for _, values in compiled for value in values]
