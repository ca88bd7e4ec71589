"""What a simulated node does on a connection, step by step."""

import itertools
import random

import pytest

from birdwatcher.simulator.behaviour import Behaviour
from birdwatcher.simulator.conversation import Send, Silence, Step, Wait, conversation
from birdwatcher.simulator.events import EventSource, packet
from nodeproc.sources.tcp.events import InvalidPacketError, parse_event
from nodeproc.sources.tcp.protocol import FramingError, PacketSplitter

LIMIT = 64 * 1024


def steps(behaviour: Behaviour, most: int = 1000, seed: int = 1) -> list[Step]:
    birds, pace, faults = (random.Random(f"{seed}{n}") for n in range(3))  # noqa: S311
    talk = conversation(behaviour, EventSource(birds), pace, faults)
    return list(itertools.islice(talk, most))


def sends(found: list[Step]) -> list[Send]:
    return [step for step in found if isinstance(step, Send)]


def waits(found: list[Step]) -> list[float]:
    return [step.seconds for step in found if isinstance(step, Wait)]


def test_an_event_every_one_to_three_seconds_without_end() -> None:
    found = steps(Behaviour())
    assert len(found) == 1000
    assert [type(step) for step in found[:4]] == [Wait, Send, Wait, Send]
    assert all(1 <= seconds <= 3 for seconds in waits(found))
    assert max(waits(found)) - min(waits(found)) > 1.8


@pytest.mark.parametrize(("rate", "interval"), [(4.0, 0.25), (0.0, 0.0), (0.5, 2.0)])
def test_a_rate_replaces_the_interval(rate: float, interval: float) -> None:
    assert set(waits(steps(Behaviour(rate=rate)))) == {interval}


def test_count_ends_in_silence() -> None:
    found = steps(Behaviour(count=3))
    assert len(sends(found)) == 3
    assert found[-1] == Silence()


def test_drop_ends_without_silence() -> None:
    found = steps(Behaviour(drop_every=3))
    assert len(sends(found)) == 3
    assert isinstance(found[-1], Send)


@pytest.mark.parametrize("stall", [0, 5])
def test_stall_stops_half_way_through_a_packet(stall: int) -> None:
    found = steps(Behaviour(stall=stall))
    *whole, half = sends(found)
    assert len(whole) == stall
    assert found[-1] == Silence()
    splitter = PacketSplitter(LIMIT)
    assert list(splitter.feed(half.pieces[0])) == []
    assert len(splitter.pending) > 4
    assert half.event is None


def test_split_cuts_packets_into_small_pieces_and_changes_nothing_else() -> None:
    whole, split = sends(steps(Behaviour())), sends(steps(Behaviour(split=True)))
    assert all(len(piece) <= 16 for send in split for piece in send.pieces)
    assert all(len(send.pieces) > 3 for send in split)
    for one, other in zip(whole, split, strict=True):
        assert (one.event.species, one.event.name) == (other.event.species, other.event.name)
        assert b"".join(other.pieces) == packet(other.event.payload())


def test_all_garbage_is_refused_and_none_of_it_breaks_the_framing() -> None:
    found = sends(steps(Behaviour(garbage=1), most=4000))
    splitter = PacketSplitter(LIMIT)
    packets = [content for send in found for content in splitter.feed(send.pieces[0])]
    assert len(packets) == len(found) == 2000
    reasons = set()
    for content in packets:
        with pytest.raises(InvalidPacketError) as caught:
            parse_event(content)
        reasons.add(caught.value.reason)
    assert len(reasons) >= 10, reasons


def test_a_fraction_of_garbage_leaves_the_other_birds_as_they_are() -> None:
    clean, dirty = sends(steps(Behaviour())), sends(steps(Behaviour(garbage=0.3)))
    assert 90 < sum(send.event is None for send in dirty) < 210
    for one, other in zip(clean, dirty, strict=True):
        if other.event:
            assert (one.event.species, one.event.name) == (other.event.species, other.event.name)


def test_impossible_lengths_are_impossible() -> None:
    found = sends(steps(Behaviour(garbage_lengths=1), most=300))
    for length, event in zip(found[::2], found[1::2], strict=True):
        with pytest.raises(FramingError):
            list(PacketSplitter(LIMIT).feed(length.pieces[0]))
        assert event.event is not None


@pytest.mark.parametrize(
    "wrong",
    [
        {"rate": -1},
        {"rate": float("nan")},
        {"rate": float("inf")},
        {"count": -1},
        {"stall": -1},
        {"drop_every": 0},
        {"garbage": 1.1},
        {"garbage_lengths": -0.1},
    ],
)
def test_impossible_behaviour_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"\b(is|are)\b"):
        Behaviour(**wrong)


def test_some_events_name_a_species_that_no_other_names() -> None:
    plain, named = (
        [send.event.species for send in sends(steps(behaviour)) if send.event]
        for behaviour in (Behaviour(), Behaviour(new_species=0.5))
    )
    new = [(was, now) for was, now in zip(plain, named, strict=True) if was != now]
    assert 150 < len(new) < 350
    assert all(now.startswith(was) for was, now in new)
    assert len({now for _, now in new}) == len(new)
