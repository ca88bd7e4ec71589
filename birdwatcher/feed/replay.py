"""Reading everything that somebody missed, a piece at a time, however much it is.

In the order of the keys, which is that of the commits (see `birdwatcher.live`); first the birds,
then what was deleted. Called in threads, never in a loop, except for `known`; raises
django.db.Error.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import NamedTuple

from birdwatcher.birds.models import Bird, Species
from birdwatcher.feed import deletions, table
from birdwatcher.feed.cursor import Gone, Place
from birdwatcher.feed.deletions import FOR_EVER, Deleted
from birdwatcher.feed.messages import Sighting
from birdwatcher.feed.recent import Recent, Stretch
from birdwatcher.feed.table import AT_ONCE, LOOKED_THROUGH
from birdwatcher.feed.wanted import Wanted


class Piece(NamedTuple):
    """What comes next: everything up to `place` that is wanted; with `complete`, it is all."""

    birds: Sequence[Sighting]
    deleted: Sequence[Deleted]
    place: Place
    complete: bool


def start(since: int | None, gone: Gone | None) -> Place:
    """Return where somebody begins who was told every bird up to the key `since`, and every
    deletion up to `gone`: from now on without, and also if that was in another database."""
    table.prepare()
    newest, now = table.newest(), deletions.newest()
    return Place(
        newest if since is None else min(since, newest),
        now if gone is None else min(gone, now),
    )


def species_named(names: Sequence[str]) -> dict[str, int]:
    """Return the keys of the species with these names, as far as there are any."""
    table.prepare()
    return dict(Species.objects.filter(name__in=names).order_by().values_list("name", "pk"))


def known(recent: Recent, wanted: Wanted, at: Place, until: Place | None) -> Piece | None:
    """Return the next piece if it is among the recent birds. Asks no database."""
    stretch = recent.behind(at.birds)
    if stretch is None or (until and at.birds >= until.birds):
        return None
    end = min(stretch.until, until.birds) if until else stretch.until
    birds = [it for it in stretch.birds if at.birds < it.id <= end and wanted.takes(it)]
    # Of these birds, some may have been deleted since they were read, and that is to come.
    return Piece(birds, (), Place(end, min(at.gone, stretch.gone)), complete=False)


def piece(recent: Recent, wanted: Wanted, at: Place, until: Place | None, *, whole: bool) -> Piece:
    """Return the next piece behind `at`; the last one ends at `until`, or with what there is.

    `whole`: read all birds, for others too, not only those that are wanted.
    """
    # Again, because somebody may have read it while this call waited for the thread.
    if found := known(recent, wanted, at, until):
        return found
    table.prepare()
    read_at = time.monotonic()
    gone = deletions.newest() if whole else None
    read_for = Wanted() if whole else wanted
    birds, reached, all_birds = _birds(read_for, at.birds, until.birds if until else None)
    if gone and reached > at.birds:
        recent.add(Stretch(at.birds, reached, birds, gone, read_at))
        birds = [it for it in birds if wanted.takes(it)]
    if not all_birds:
        return Piece(birds, (), Place(reached, at.gone), complete=False)
    # After the birds: what is told as deleted was told before, or never will be.
    deleted, more = deletions.after(at.gone, until.gone if until else FOR_EVER)
    told = deleted[-1].place if deleted else at.gone
    if until and not more:
        told = max(told, until.gone)
    return Piece(birds, deleted, Place(reached, told), complete=not more)


def _birds(wanted: Wanted, since: int, until: int | None) -> tuple[list[Sighting], int, bool]:
    """Return the next wanted birds, the key up to which that is all, and whether it is the end."""
    # Asked first: whatever has a key up to the highest one that is there, is there too.
    end = table.newest() if until is None else until
    if since >= end:
        return [], since, True
    reached = min(since + LOOKED_THROUGH, end)
    behind = Bird.objects.filter(pk__gt=since, pk__lte=reached).order_by("pk")
    birds = table.read(wanted.among(behind)[:AT_ONCE])
    if len(birds) == AT_ONCE:
        return birds, birds[-1].id, False
    if not birds and reached < end:
        reached = _before_next(reached)
    return birds, reached, reached == end


def _before_next(key: int) -> int:
    """Return how far there is no bird behind `key`: keys may be far apart."""
    behind = Bird.objects.filter(pk__gt=key).order_by("pk").values_list("pk", flat=True)
    following = behind.first()
    return key if following is None else following - 1
