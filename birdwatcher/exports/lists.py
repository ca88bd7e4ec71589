"""Files of the rows of a list, in any order that the list can have.

Each piece begins after the last row of the one before, found by the fields of the order: additions
and deletions meanwhile make no row appear twice or be left out. Only a row that itself moves in the
order, for example by a new name, may.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from django.db.models import Model, Q, QuerySet

from birdwatcher.exports.file_formats import Record


class Rows:
    """The rows of a queryset, in its order, which must be by fields that are never null.

    `describe` returns the records of some rows, with the fields that `columns` names.
    """

    def __init__(
        self,
        kind: str,
        rows: QuerySet[Any],
        columns: Sequence[str],
        describe: Callable[[Sequence[Any]], Sequence[Record]],
    ) -> None:
        self.kind, self.columns = kind, columns
        self._rows, self._describe = rows, describe

    def begin(self) -> None:
        """Leave out rows that arrive from now on. Raises django.db.Error."""
        last = self._rows.model.objects.order_by("-pk").values_list("pk", flat=True).first()
        self._rows = self._rows.filter(pk__lte=last or 0)

    def pieces(self, size: int) -> Iterator[Sequence[Record]]:
        """Yield them, `size` at a time. Raises django.db.Error."""
        order = total_order(self._rows)
        rows = self._rows.order_by(*order)
        piece = list(rows[:size])
        while piece:
            yield self._describe(piece)
            if len(piece) < size:
                return
            piece = list(rows.filter(after(piece[-1], order))[:size])


def total_order(rows: QuerySet[Any]) -> list[str]:
    """Return the order of `rows`, completed by the key, so that no two are equal."""
    order: list[str] = []
    for name in (*map(str, rows.query.order_by), "pk"):
        field = name.lstrip("-")
        if field in {"id", "pk"}:
            return [*order, name]
        if field not in {it.lstrip("-") for it in order}:
            order.append(name)
    raise AssertionError("unreachable: the key is the last")


def after(row: Model, order: Sequence[str]) -> Q:
    """Return the condition of the rows after `row` in an order."""
    condition = Q(pk__in=[])
    for name in reversed(order):
        field, way = name.lstrip("-"), "lt" if name.startswith("-") else "gt"
        value = getattr(row, field)
        # The first half is redundant, but an index can answer it.
        reached = Q((f"{field}__{way}e", value))
        condition = reached & (Q((f"{field}__{way}", value)) | condition)
    return condition
