"""Which frames the next transaction takes, and how many rows it may have."""

import pytest

from birdwatcher.writer.budget import FEWEST, FIRST, MOST, TARGET, Budget
from birdwatcher.writer.turns import Turns, rows_of
from nodeproc.wire.frames import Frame, Kind

FLOODER, HONEST, OTHER = 1, 2, 3


def frames_of(node: int, count: int, events: int, first: int = 1) -> list[Frame]:
    numbers = range(first, first + count)
    return [Frame(Kind.BATCH, 1, node, 7, number, 0.0, events, b"x" * 60) for number in numbers]


def waiting(*parts: list[Frame]) -> Turns:
    turns = Turns()
    for frames in parts:
        turns.add(frames)
    return turns


def rows(frames: list[Frame]) -> int:
    return sum(map(rows_of, frames))


@pytest.mark.parametrize("events", [1, 10, 1000])
def test_a_node_waits_for_no_more_than_one_transaction(events: int) -> None:
    turns = waiting(frames_of(FLOODER, 60_000 // events, events))
    for number in range(1, 20):
        turns.add(frames_of(HONEST, 1, 1, number))
        taken = turns.take(1000) + turns.take(1000)
        assert [frame.sequence for frame in taken if frame.id == HONEST] == [number]
        assert any(frame.id == FLOODER for frame in taken)


def test_nodes_with_much_share_evenly_whatever_the_size_of_their_frames() -> None:
    turns = waiting(frames_of(FLOODER, 100, 1000), frames_of(HONEST, 50_000, 1))
    taken = [frame for _ in range(20) for frame in turns.take(2000)]
    shares = {node: rows([it for it in taken if it.id == node]) for node in (FLOODER, HONEST)}
    assert 0.8 < shares[FLOODER] / shares[HONEST] < 1.25


@pytest.mark.parametrize("flooders", [1, 30])
def test_a_node_that_sends_little_does_not_wait_for_all_that_send_much(flooders: int) -> None:
    nodes = range(10, 10 + flooders)
    turns = waiting(*(frames_of(node, 60, 800) for node in nodes))
    for _ in nodes:
        turns.take(500)
    for number in range(1, 20):
        turns.add(frames_of(HONEST, 1, 3, number))
        taken = turns.take(500) + turns.take(500)
        assert [frame.sequence for frame in taken if frame.id == HONEST] == [number]


def test_nodes_of_which_nothing_waits_now_and_then_have_no_more_than_their_share() -> None:
    turns = waiting(frames_of(FLOODER, 60, 800))
    taken = []
    for number in range(1, 31):
        turns.add(frames_of(HONEST, 1, 900, number))
        taken += turns.take(1000)
    shares = {node: rows([it for it in taken if it.id == node]) for node in (FLOODER, HONEST)}
    assert 0.8 < shares[FLOODER] / shares[HONEST] < 1.25


@pytest.mark.parametrize("budget", [1, 500, 10_000])
def test_all_is_taken_once_in_the_order_of_each_node(budget: int) -> None:
    sent = {
        FLOODER: frames_of(FLOODER, 30, 700) + frames_of(FLOODER, 5, 4500, 31),
        HONEST: frames_of(HONEST, 30, 1),
        OTHER: frames_of(OTHER, 7, 251),
    }
    turns = waiting(*sent.values())
    taken: list[Frame] = []
    while turns:
        part = turns.take(budget)
        assert len(part) == 1 or rows(part) <= budget
        taken += part
    assert turns.size == 0
    assert not turns.take(budget)
    for node, frames in sent.items():
        assert [frame for frame in taken if frame.id == node] == frames


def test_what_is_no_event_has_its_rows_too() -> None:
    rejections = Frame(Kind.BATCH, 1, 1, 7, 1, 0.0, 0, b"x" * 6400)
    assert rows_of(rejections) == 100
    (status,) = frames_of(1, 1, 0)
    assert rows_of(status) == 1


def test_the_budget_follows_what_a_row_takes() -> None:
    budget = Budget()
    assert budget.rows == FIRST
    for a_row, expected in ((1e-5, MOST), (2e-4, TARGET / 2e-4), (1e-2, FEWEST), (1e-5, MOST)):
        for _ in range(10):
            budget.spent(budget.rows, budget.rows * a_row)
        assert 0.9 * expected <= budget.rows <= expected


def test_a_transaction_with_little_says_nothing_of_larger_ones() -> None:
    budget = Budget()
    for _ in range(10):
        budget.spent(1, 0.001)
    assert budget.rows == FIRST
    budget.spent(1, 5.0)  # the disk stalled
    assert budget.rows == FEWEST
