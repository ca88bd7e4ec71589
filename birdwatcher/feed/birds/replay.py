"""Reads everything that a program missed, a piece at a time, however much it is.

In the order of the keys, which is that of the commits (see `birdwatcher.feed`); first the birds,
then the deletions. Called in threads, never in the event loop, except for `known`; raises
django.db.Error.
"""

import time
from collections.abc import Sequence
from typing import NamedTuple

from birdwatcher.birds.models import Bird, Species
from birdwatcher.feed.birds import deletions, table
from birdwatcher.feed.birds.deletions import FOR_EVER, Deleted
from birdwatcher.feed.birds.filter import BirdFilter
from birdwatcher.feed.birds.messages import Sighting
from birdwatcher.feed.birds.news import AT_ONCE
from birdwatcher.feed.birds.recent import Recent, Stretch
from birdwatcher.feed.birds.table import LOOKED_THROUGH
from birdwatcher.feed.cursor import Cursor, DeletionCursor


class Piece(NamedTuple):
    """What comes next: everything wanted up to `end`; with `complete`, nothing else is missing."""

    birds: Sequence[Sighting]
    deleted: Sequence[Deleted]
    end: Cursor
    complete: bool


def start(since: int | None, deleted_since: DeletionCursor | None) -> Cursor:
    """Return where a program begins that has got every bird up to the key `since`, and every
    deletion up to `deleted_since`: now, if it is new or has followed another database."""
    table.prepare()
    newest, now = table.newest(), deletions.newest()
    return Cursor(
        newest if since is None else min(since, newest),
        now if deleted_since is None else min(deleted_since, now),
    )


def species_named(names: Sequence[str]) -> dict[str, int]:
    """Return the keys of the species with these names; unknown names are left out."""
    table.prepare()
    return dict(Species.objects.filter(name__in=names).order_by().values_list("name", "pk"))


def known(recent: Recent, wanted: BirdFilter, at: Cursor, until: Cursor | None) -> Piece | None:
    """Return the next piece if it is among the recent birds. Asks no database."""
    stretch = recent.after(at.key)
    if stretch is None or (until and at.key >= until.key):
        return None
    end = min(stretch.until, until.key) if until else stretch.until
    birds = [it for it in stretch.birds if at.key < it.id <= end and wanted.takes(it)]
    # Some of these birds may have been deleted since they were read: those deletions come next.
    return Piece(birds, (), Cursor(end, min(at.deletions, stretch.deletions)), complete=False)


def piece(
    recent: Recent, wanted: BirdFilter, at: Cursor, until: Cursor | None, *, whole: bool
) -> Piece:
    """Return the next piece after `at`; the last one ends at `until`, or with what there is.

    `whole`: read all birds, for other programs too, not only the wanted ones.
    """
    # Again: another program may have read it while this call waited for the thread.
    if found := known(recent, wanted, at, until):
        return found
    table.prepare()
    read_at = time.monotonic()
    deletions_then = deletions.newest() if whole else None
    read_for = BirdFilter() if whole else wanted
    birds, reached, all_birds = _birds(read_for, at.key, until.key if until else None)
    if deletions_then and reached > at.key:
        recent.add(Stretch(at.key, reached, birds, deletions_then, read_at))
        birds = [it for it in birds if wanted.takes(it)]
    if not all_birds:
        return Piece(birds, (), Cursor(reached, at.deletions), complete=False)
    # After the birds: a bird that is deleted in between was sent before, or never will be.
    deleted, more = deletions.after(at.deletions, until.deletions if until else FOR_EVER)
    deleted_to = deleted[-1].cursor if deleted else at.deletions
    if until and not more:
        deleted_to = max(deleted_to, until.deletions)
    return Piece(birds, deleted, Cursor(reached, deleted_to), complete=not more)


def _birds(wanted: BirdFilter, since: int, until: int | None) -> tuple[list[Sighting], int, bool]:
    """Return the next wanted birds, the key up to which that is all, and whether it is the end."""
    # Asked first: every bird with a lower key than the highest one is visible by then.
    end = table.newest() if until is None else until
    if since >= end:
        return [], since, True
    reached = min(since + LOOKED_THROUGH, end)
    following = Bird.objects.filter(pk__gt=since, pk__lte=reached).order_by("pk")
    birds = table.read(wanted.among(following)[:AT_ONCE])
    if len(birds) == AT_ONCE:
        return birds, birds[-1].id, False
    if not birds and reached < end:
        reached = _before_next(reached)
    return birds, reached, reached == end


def _before_next(key: int) -> int:
    """Return the key before the first bird after `key`: keys may be far apart."""
    following = Bird.objects.filter(pk__gt=key).order_by("pk").values_list("pk", flat=True).first()
    return key if following is None else following - 1
