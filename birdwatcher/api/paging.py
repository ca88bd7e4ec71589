"""Pages of lists: numbered, or by cursors for birds, of which there are too many."""

from __future__ import annotations

from typing import Any, NamedTuple

from django.core.paginator import Paginator
from rest_framework.exceptions import ValidationError
from rest_framework.pagination import PageNumberPagination
from rest_framework.request import Request
from rest_framework.utils.urls import remove_query_param, replace_query_param

from birdwatcher.birds.models import Bird
from birdwatcher.common.keys import number_in, only_digits
from birdwatcher.search.keyset import Direction, Position
from birdwatcher.search.pages import load, start_of_previous
from birdwatcher.search.search import Search
from birdwatcher.search.walk import find

SIZE, MOST = 50, 500
BACKWARDS = "-"


class Pages(PageNumberPagination):
    """Numbered pages, by `page` and `page_size`, with the number of all rows."""

    page_size = SIZE
    page_size_query_param = "page_size"
    page_size_query_description = f"Rows per page: {SIZE} by default, at most {MOST}."
    max_page_size = MOST
    invalid_page_message = "There is no page “{page_number}”."

    def get_page_number(self, request: Request, paginator: Paginator) -> str:
        """Return the number of the page. Raises ValidationError if it is no whole number."""
        text = request.query_params.get(self.page_query_param, "1")
        if not only_digits(text):
            raise ValidationError({"page": ["It is a whole number."]})
        return text

    def get_page_size(self, request: Request) -> int:
        """Return the rows per page. Raises ValidationError instead of reducing a larger number."""
        text = request.query_params.get(self.page_size_query_param, str(SIZE))
        size = number_in(text)
        if size is None or not 1 <= size <= MOST:
            raise ValidationError({"page_size": [f"It is a whole number from 1 to {MOST}."]})
        return size

    def get_schema_operation_parameters(self, view: object) -> list[dict[str, Any]]:
        """Return the parameters for the schema."""
        page, size = super().get_schema_operation_parameters(view)
        page["schema"]["minimum"] = 1
        size["schema"] |= {"minimum": 1, "maximum": MOST, "default": SIZE}
        return [page, size]


class Cursor(NamedTuple):
    """A place in the list of birds, and a direction."""

    position: Position
    backwards: bool = False

    def __str__(self) -> str:
        return f"{BACKWARDS if self.backwards else ''}p{self.position}"

    @classmethod
    def parse(cls, text: str) -> Cursor:
        """Return the cursor that `str` wrote. Raises ValueError with one sentence for people."""
        before, mark, position = text.partition("p")
        try:
            if not mark or before not in {"", BACKWARDS}:
                raise ValueError(text)
            return cls(Position.parse(position), before == BACKWARDS)
        except ValueError:
            raise ValueError("It is not a cursor of this list: take one from “next”.") from None


class BirdPage(NamedTuple):
    """Birds in the order of the list, and the cursors of the neighbouring pages."""

    birds: list[Bird]
    next: Cursor | None
    previous: Cursor | None


def bird_page(search: Search, order: Direction, cursor: Cursor | None, size: int) -> BirdPage:
    """Return a page of the list of birds.

    It may have fewer birds than `size`, even none, although there are more: see `search.walk`.
    """
    backwards = bool(cursor and cursor.backwards)
    newer_first = (order is Direction.OLDER) is backwards
    way = Direction.NEWER if newer_first else Direction.OLDER
    start = cursor.position if cursor else None
    found = find(search, start, way, size + 1)
    shown = found.birds[:size]
    more = shown[-1] if len(found.birds) > size else found.stopped
    birds = sorted(load(shown), key=lambda it: (it.timestamp, it.pk))
    if order is Direction.OLDER:
        birds.reverse()
    ahead = Cursor(more, backwards) if more else None
    before = Cursor(start_of_previous(shown, start, way), not backwards) if start else None
    return BirdPage(birds, before, ahead) if backwards else BirdPage(birds, ahead, before)


def links(request: Request, page: BirdPage) -> dict[str, Any]:
    """Return the addresses of the neighbouring pages, None where there is none."""
    address = remove_query_param(request.build_absolute_uri(), "cursor")
    cursors = {"next": page.next, "previous": page.previous}
    return {
        name: replace_query_param(address, "cursor", str(cursor)) if cursor else None
        for name, cursor in cursors.items()
    }
