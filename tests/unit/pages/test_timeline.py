"""The band of a node's states: from changes to stretches, from stretches to what is drawn."""

import datetime
import random
from itertools import pairwise

import pytest

from birdwatcher.pages.nodes.timeline import (
    NARROWEST,
    NOT_KNOWN,
    WIDTH,
    Stretch,
    connected_share,
    marks,
    shares,
    stretches,
)
from nodeproc.states import NodeState

START = datetime.datetime(2026, 3, 28, 12, tzinfo=datetime.UTC)
END = START + datetime.timedelta(hours=24)
CONNECTED, BACKING_OFF, STOPPED = "connected", "backing off", "stopped"


def at(hours: float) -> datetime.datetime:
    return START + datetime.timedelta(hours=hours)


def told(*changes: tuple[float, str], until: float = 24) -> list[tuple[str, float, float]]:
    """Return the stretches of changes at so many hours, in hours."""
    found = stretches(
        [(at(hour), word) for hour, word in changes], START, END, known_until=at(until)
    )
    hour = datetime.timedelta(hours=1)
    return [(it.word, (it.start - START) / hour, (it.end - START) / hour) for it in found]


@pytest.mark.parametrize(
    ("changes", "until", "expected"),
    [
        ([], 24, [(NOT_KNOWN, 0, 24)]),
        ([(-5, CONNECTED)], 24, [(CONNECTED, 0, 24)]),
        ([(6, CONNECTED)], 24, [(NOT_KNOWN, 0, 6), (CONNECTED, 6, 24)]),
        # Only what was wrong became another.
        ([(-5, BACKING_OFF), (3, BACKING_OFF)], 24, [(BACKING_OFF, 0, 24)]),
        ([(-5, CONNECTED)], 20, [(CONNECTED, 0, 20), (NOT_KNOWN, 20, 24)]),
        ([(-5, CONNECTED)], -1, [(NOT_KNOWN, 0, 24)]),
        # A clock that was set back,
        (
            [(-5, CONNECTED), (6, STOPPED), (4, CONNECTED), (8, STOPPED)],
            24,
            [(CONNECTED, 0, 8), (STOPPED, 8, 24)],
        ),
        # and one that was ahead.
        ([(-5, CONNECTED), (30, STOPPED)], 24, [(CONNECTED, 0, 24)]),
    ],
)
def test_changes_become_stretches(
    changes: list[tuple[float, str]], until: float, expected: list[tuple[str, float, float]]
) -> None:

    assert told(*changes, until=until) == expected


@pytest.mark.parametrize("seed", range(20))
def test_whatever_the_clock_did_the_band_has_no_gap(seed: int) -> None:
    rng = random.Random(seed)  # noqa: S311
    words = [state.value for state in NodeState]
    changes = [(at(rng.uniform(-3, 27)), rng.choice(words)) for _ in range(rng.randint(0, 400))]
    if seed % 2:
        changes.sort()
    found = stretches(changes, START, END, known_until=at(rng.uniform(-1, 25)))
    assert found[0].start == START
    assert found[-1].end == END
    for before, after in pairwise(found):
        assert before.end == after.start
        assert before.word != after.word
    drawn = marks(found)
    assert [it for mark in drawn for it in mark.stretches] == found
    assert len(drawn) <= 2 * WIDTH / NARROWEST
    assert all(0 <= mark.x <= mark.x + mark.width <= WIDTH + 1e-6 for mark in drawn)
    assert sum((length for *_, length in shares(found)), datetime.timedelta()) == END - START


def test_a_short_trouble_is_drawn_and_a_short_connecting_is_not() -> None:
    second = 1 / 3600
    changes = [(-1, CONNECTED), (6, BACKING_OFF), (6 + second, CONNECTED)]
    found = stretches([(at(h), w) for h, w in changes], START, END, known_until=END)
    assert [mark.tone for mark in marks(found)] == ["good", "bad", "good"]
    changes = [(-1, BACKING_OFF), (6, "connecting"), (6 + second, CONNECTED)]
    found = stretches([(at(h), w) for h, w in changes], START, END, known_until=END)
    assert [mark.tone for mark in marks(found)] == ["bad", "good"]


def test_a_flapping_node_is_drawn_as_what_it_mostly_was_and_as_troubled() -> None:
    minute = 1 / 60
    changes = [(-1.0, CONNECTED)]
    for number in range(30):
        changes.append((6 + number * minute, BACKING_OFF))
        changes.append((6 + (number + 0.1) * minute, CONNECTED))
    found = stretches([(at(h), w) for h, w in changes], START, END, known_until=END)
    flapping = marks(found)[1:-1]
    assert len(flapping) >= 5
    assert {mark.tone for mark in flapping[:-1]} == {"good"}
    assert all(mark.is_troubled for mark in flapping[:-1])


def test_the_connected_share_is_of_what_is_known() -> None:
    found = [
        Stretch(NOT_KNOWN, at(0), at(12)),
        Stretch(CONNECTED, at(12), at(21)),
        Stretch(BACKING_OFF, at(21), at(24)),
    ]
    assert connected_share(found) == 0.75
    assert connected_share(found[:1]) is None
    assert [(word, tone) for word, tone, _ in shares(found)] == [
        (NOT_KNOWN, "none"),
        (CONNECTED, "good"),
        (BACKING_OFF, "bad"),
    ]
