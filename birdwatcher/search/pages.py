"""Pages of birds, newest first, each defined by the birds at its edges.

So nothing is counted, and birds that arrive meanwhile do not shift a page.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from birdwatcher.birds.models import Bird
from birdwatcher.search.keyset import Direction, Position
from birdwatcher.search.search import Search
from birdwatcher.search.walk import Found, find

SIZE = 50


@dataclass(frozen=True)
class Page:
    """Birds, newest first, and where the neighbouring pages begin.

    `older` and `newer` are None if there is no such page. If the search `stopped` before the page
    was full, there may be more birds than the page has; the next page continues from there.
    """

    birds: list[Bird]
    newer: Position | None = None
    older: Position | None = None
    stopped: Position | None = None


def newest(search: Search) -> Page:
    """Return the first page."""
    return older_than(search, None)


def older_than(search: Search, start: Position | None) -> Page:
    """Return the page of the birds just older than `start`."""
    found = find(search, start, Direction.OLDER, SIZE + 1)
    shown = found.birds[:SIZE]
    newer = start_of_previous(shown, start, Direction.OLDER) if start else None
    return Page(load(shown), newer=newer, older=_further(found), stopped=found.stopped)


def newer_than(search: Search, start: Position) -> Page:
    """Return the page of the birds just newer than `start`, or the first if they do not fill it."""
    found = find(search, start, Direction.NEWER, SIZE + 1)
    if len(found.birds) < SIZE and not found.stopped:
        return newest(search)
    shown = found.birds[:SIZE]
    older = start_of_previous(shown, start, Direction.NEWER)
    return Page(load(shown), newer=_further(found), older=older, stopped=found.stopped)


def load(places: Sequence[Position]) -> list[Bird]:
    """Return the birds at these positions, newest first, with their node and species."""
    birds = Bird.objects.filter(pk__in=[place.key for place in places])
    found = birds.select_related("node", "species")
    return sorted(found, key=lambda bird: (bird.timestamp, bird.pk), reverse=True)


def everything(search: Search, size: int) -> Iterator[list[Position]]:
    """Yield the positions of all birds, newest first, about `size` at a time; sometimes none."""
    start: Position | None = None
    while True:
        found = find(search, start, Direction.OLDER, size)
        yield found.birds
        if found.stopped:
            start = found.stopped
        elif len(found.birds) == size:
            start = found.birds[-1]
        else:
            return


def start_of_previous(shown: Sequence[Position], start: Position, way: Direction) -> Position:
    """Return where the previous page begins, seen from a page beyond `start` in direction `way`.

    If that page is empty, the previous one must include a bird at `start` itself.
    """
    return shown[0] if shown else way.returning_to(start)


def _further(found: Found) -> Position | None:
    """Return where the next page in the same direction begins."""
    if found.stopped:
        return found.stopped
    return found.birds[SIZE - 1] if len(found.birds) > SIZE else None
