"""The states of a node over time: from the changes that were noted down to a band; pure."""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from birdwatcher.nodes.live import tone
from nodeproc.states import NodeState

NOT_KNOWN = "not known"
WIDTH = 1440  # units across a band
NARROWEST = 3  # units that can still be seen
# What must not vanish behind something else where both are too short to be seen.
LOUD = frozenset({"bad"})

Moment = datetime.datetime


@dataclass(frozen=True)
class Stretch:
    """A time during which a node was in one state."""

    word: str
    start: Moment
    end: Moment

    @property
    def length(self) -> datetime.timedelta:
        """How long it lasted."""
        return self.end - self.start

    @property
    def tone(self) -> str:
        """How to colour it: a tone of `nodes.live`, or `none` where nothing is known."""
        return "none" if self.word == NOT_KNOWN else tone(self.word)


@dataclass(frozen=True)
class Mark:
    """A piece of the band, from `x` on, in `WIDTH` units: one stretch, or several short ones."""

    x: float
    width: float
    tone: str
    stretches: Sequence[Stretch]

    @property
    def start(self) -> Moment:
        """When it begins."""
        return self.stretches[0].start

    @property
    def end(self) -> Moment:
        """When it ends."""
        return self.stretches[-1].end


def stretches(
    changes: Iterable[tuple[Moment, str]], start: Moment, end: Moment, *, told_until: Moment
) -> list[Stretch]:
    """Return how a node was from `start` to `end`, without gaps.

    `changes` are the times at which its states began, in the order in which they came. Before the
    first of them nothing is known, nor after `told_until`, when the daemon was last heard of.
    """
    # A clock that was set back must not make a stretch end before it began.
    begun, latest = [(Moment.min.replace(tzinfo=datetime.UTC), NOT_KNOWN)], start
    for at, word in changes:
        latest = max(latest, min(at, end))
        begun.append((latest if at > start else begun[0][0], word))
    if told_until < end:
        begun.append((max(latest, told_until), NOT_KNOWN))
    begun.append((end, ""))
    found: list[Stretch] = []
    for (at, word), (until, _) in pairwise(begun):
        at, until = max(at, start), min(until, end)
        if at >= until:
            continue
        if found and found[-1].word == word:  # what was wrong became another, and nothing else
            at = found.pop().start
        found.append(Stretch(word, at, until))
    return found


def marks(stretches: Sequence[Stretch]) -> list[Mark]:
    """Return what is drawn of `stretches`: those too short to be seen are drawn together.

    If nothing was wrong in them, they are drawn as part of what followed, because a node always
    connects for an instant before it is connected.
    """
    if not stretches:
        return []
    start, whole = stretches[0].start, stretches[-1].end - stretches[0].start
    scale = WIDTH / whole.total_seconds()
    found: list[Mark] = []
    short: list[Stretch] = []
    for stretch in stretches:
        is_long = stretch.length.total_seconds() * scale >= NARROWEST
        if is_long and any(it.tone in LOUD for it in short):
            found.append(_mark(short, start, scale))
            short = []
        short.append(stretch)
        if (stretch.end - short[0].start).total_seconds() * scale >= NARROWEST:
            found.append(_mark(short, start, scale))
            short = []
    return found + ([_mark(short, start, scale)] if short else [])


def shares(stretches: Sequence[Stretch]) -> list[tuple[str, str, datetime.timedelta]]:
    """Return the states of `stretches`, the longest first: word, tone, how long altogether."""
    lengths: Counter[str] = Counter()
    tones = {}
    for stretch in stretches:
        lengths[stretch.word] += int(stretch.length.total_seconds() * 1e6)
        tones[stretch.word] = stretch.tone
    return [
        (word, tones[word], datetime.timedelta(microseconds=length))
        for word, length in lengths.most_common()
    ]


def connected_share(stretches: Sequence[Stretch]) -> float | None:
    """Return which part of the time that is known the node was connected, None if none is."""
    known = sum((it.length for it in stretches if it.word != NOT_KNOWN), datetime.timedelta())
    if not known:
        return None
    words = {NodeState.CONNECTED.value}
    return sum((it.length for it in stretches if it.word in words), datetime.timedelta()) / known


def _mark(drawn: Sequence[Stretch], start: Moment, scale: float) -> Mark:
    x = (drawn[0].start - start).total_seconds() * scale
    width = max(float(NARROWEST), (drawn[-1].end - drawn[0].start).total_seconds() * scale)
    loud = [it for it in drawn if it.tone in LOUD and it.length.total_seconds() * scale < NARROWEST]
    shown = max(loud or drawn, key=lambda it: it.length)
    return Mark(min(x, WIDTH - width), width, shown.tone, list(drawn))
