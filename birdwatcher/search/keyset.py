"""Places in the order of the birds: by time, and by key where several have the same time."""

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
    """A place in the order of the birds, at one of them or between two. Keys begin with 1."""

    timestamp: datetime.datetime
    key: int = 0

    def __str__(self) -> str:
        """As it stands in the address of a page: microseconds since 1970, and the key."""
        return f"{(self.timestamp - EPOCH) // MICROSECOND}.{self.key}"

    @classmethod
    def parse(cls, text: str) -> Position:
        """Return the position that `str` wrote. Raises ValueError if it cannot have."""
        match = re.fullmatch(r"(-?[0-9]{1,18})\.([0-9]{1,19})", text, re.ASCII)
        if not match or int(match[2]) > BIGGEST_KEY:
            raise ValueError(f"“{text}” is no place in the list of birds.")
        microseconds = int(match[1])
        lowest, highest = ((edge - EPOCH) // MICROSECOND for edge in (EARLIEST, LATEST))
        clamped = min(max(microseconds, lowest), highest + 1)
        return cls(EPOCH + clamped * MICROSECOND, int(match[2]))


class Stretch(NamedTuple):
    """What lies between two places, without both; None where it does not end."""

    after: Position | None = None
    before: Position | None = None

    def meet(self, other: Stretch) -> Stretch:
        """Return what lies in both."""
        after = max(filter(None, (self.after, other.after)), default=None)
        before = min(filter(None, (self.before, other.before)), default=None)
        return Stretch(after, before)

    @property
    def empty(self) -> bool:
        """Whether nothing can lie in it."""
        return bool(self.after and self.before and self.after >= self.before)

    def conditions(self) -> list[_Beside]:
        """Return what to filter birds by."""
        edges = ((self.after, ">"), (self.before, "<"))
        return [_Beside(edge, sign) for edge, sign in edges if edge]


class Direction(enum.Enum):
    """Which way along the order of the birds."""

    OLDER = ("-timestamp", "-id")
    NEWER = ("timestamp", "id")

    def beyond(self, position: Position | None) -> Stretch:
        """Return all that comes after `position` this way; without one, all."""
        if self is Direction.OLDER:
            return Stretch(before=position)
        return Stretch(after=position)

    def returning_to(self, position: Position) -> Position:
        """Return where to turn, having come this way, so that the way back leads over `position`
        itself, too."""
        step = -1 if self is Direction.OLDER else 1
        return position._replace(key=min(max(position.key + step, 0), BIGGEST_KEY))


class _Beside(Func):
    """Whether a bird lies on one side of a place.

    A comparison of rows, which both databases find in an index. Written out with OR they would not,
    and a million birds of the same second, from a clock that stands still, be read for each page.
    """

    output_field = BooleanField()

    def __init__(self, position: Position, sign: str) -> None:
        timestamp = Value(position.timestamp, output_field=DateTimeField())
        key = Value(position.key, output_field=BigIntegerField())
        super().__init__(F("timestamp"), F("id"), timestamp, key, sign=sign)

    def as_sql(self, compiler: Any, connection: Any, **context: Any) -> tuple[str, list[Any]]:
        """Return the comparison, for every database."""
        compiled = [compiler.compile(source) for source in self.source_expressions]
        timestamp, key, *place = [sql for sql, _ in compiled]
        sql = f"({timestamp}, {key}) {self.extra['sign']} ({place[0]}, {place[1]})"
        return sql, [value for _, values in compiled for value in values]
