"""The states of a node over time, as a band drawn from its recorded changes; pure."""

import datetime
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from birdwatcher.daemon.node_states import tone
from nodeproc.states import CONNECTED_STATES

NOT_KNOWN = "not known"
WIDTH = 1440  # units across a band
NARROWEST = 3  # units that are still visible
# Tones that must stay visible where several stretches are too short to be drawn.
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
        """Its tone, as of `daemon.node_states`, or `none` where the state is not known."""
        return "none" if self.word == NOT_KNOWN else tone(self.word)


@dataclass(frozen=True)
class Mark:
    """A mark in the band, at `x` and in `WIDTH` units: one stretch, or several short ones.

    Its tone is that of the longest; `is_troubled` if another of them has a loud tone.
    """

    x: float
    width: float
    tone: str
    is_troubled: bool
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
    changes: Iterable[tuple[Moment, str]], start: Moment, end: Moment, *, known_until: Moment
) -> list[Stretch]:
    """Return the states of a node from `start` to `end`, without gaps.

    `changes` are the times at which its states began, in the order of recording. The state is not
    known before the first of them, nor after `known_until`, when the daemon was last seen.
    """
    begun = [(start, NOT_KNOWN)]
    for at, word in changes:
        # A clock that was set back must not make a stretch end before it began.
        begun.append((min(max(at, begun[-1][0]), end), word))
    if known_until < end:
        begun.append((max(known_until, begun[-1][0]), NOT_KNOWN))
    begun.append((end, NOT_KNOWN))
    found: list[Stretch] = []
    for (at, word), (until, _) in pairwise(begun):
        if at == until:
            continue
        # The error may have changed without the state.
        before = found.pop() if found and found[-1].word == word else None
        found.append(Stretch(word, before.start if before else at, until))
    return found


def marks(stretches: Sequence[Stretch]) -> list[Mark]:
    """Return the marks for `stretches`: those too short to be visible share a mark.

    Short ones without trouble are merged into the following stretch, because a node always connects
    for an instant before it is connected.
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
    """Return the states of `stretches`, the longest first: word, tone, total duration."""
    lengths: dict[str, datetime.timedelta] = {}
    for stretch in stretches:
        lengths[stretch.word] = lengths.get(stretch.word, datetime.timedelta()) + stretch.length
    tones = {stretch.word: stretch.tone for stretch in stretches}
    longest_first = sorted(lengths.items(), key=lambda it: it[1], reverse=True)
    return [(word, tones[word], length) for word, length in longest_first]


def connected_share(stretches: Sequence[Stretch]) -> float | None:
    """Return the share of the known time in which the node was connected, None without any."""
    known = sum((it.length for it in stretches if it.word != NOT_KNOWN), datetime.timedelta())
    if not known:
        return None
    connected = (it.length for it in stretches if it.word in CONNECTED_STATES)
    return sum(connected, datetime.timedelta()) / known


def _mark(drawn: Sequence[Stretch], start: Moment, scale: float) -> Mark:
    x = (drawn[0].start - start).total_seconds() * scale
    width = max(float(NARROWEST), (drawn[-1].end - drawn[0].start).total_seconds() * scale)
    _, tone, _ = shares(drawn)[0]
    is_troubled = tone not in LOUD and any(it.tone in LOUD for it in drawn)
    return Mark(min(x, WIDTH - width), width, tone, is_troubled, list(drawn))
