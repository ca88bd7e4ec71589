"""Numbers that processes share."""

import dataclasses
import multiprocessing
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from nodeproc.numbers.daemon import DaemonNumbers, Summary
from nodeproc.numbers.node import Counts, FleetNumbers, NodeNumbers
from nodeproc.numbers.shared import Arena, Histogram, shared_numbers
from nodeproc.wire.messages import Batch

EVENT = (0, "Erithacus rubecula", "Robin")


@dataclasses.dataclass
class Waiting:
    """What waits in a node's process."""

    oldest: float | None
    events: int = 3
    size: int = 300
    spooled_events: int = 2
    spooled_bytes: int = 200


def in_a_child(work: Callable[[], None]) -> None:
    process = multiprocessing.get_context("fork").Process(target=work)
    process.start()
    process.join(20)
    assert process.exitcode == 0


def mappings() -> int:
    """Return how many anonymous mappings this process shares with others."""
    return Path(f"/proc/{os.getpid()}/maps").read_text().count("/dev/zero (deleted)")


def test_slots_are_told_apart_however_many_there_are() -> None:
    before = mappings()
    arena = Arena(3, slots=2)
    assert mappings() == before + 1
    slots = [arena.take() for _ in range(2)]

    def write() -> None:
        for number, slot in enumerate(slots, 1):
            slot[0], slot[2] = number, 10 * number

    in_a_child(write)
    slots += [arena.take() for _ in range(5)]
    assert mappings() == before + 3  # of 2, 2 and 4 slots
    in_a_child(write)
    assert [slot.tolist() for slot in slots] == [[n, 0, 10 * n] for n in range(1, 8)]
    numbers, nothing, tens = arena.columns()
    assert (list(numbers), sum(nothing)) == ([1, 2, 3, 4, 5, 6, 7, 0], 0)
    assert sum(tens) == 280


def test_a_slot_that_was_given_back_is_taken_again_with_nothing_in_it() -> None:
    arena = Arena(2, slots=2)
    first, second = arena.take(), arena.take()
    first[0] = second[1] = 7
    arena.give_back(first)
    assert [sum(column) for column in arena.columns()] == [0, 7]
    with pytest.raises(ValueError, match="released"):
        first[0] = 8
    again = arena.take()
    assert again.tolist() == [0, 0]
    again[0] = 9
    assert [list(column) for column in arena.columns()] == [[9, 0], [0, 7]]


def test_the_tallies_of_all_nodes_are_added_up_and_the_oldest_is_the_oldest_of_all() -> None:
    fleet = FleetNumbers()
    assert fleet.total() == Counts()
    found = [fleet.take() for _ in range(3)]
    for numbers, oldest in zip(found, (7.0, None, 5.0), strict=True):
        numbers.received(70, Batch(1.0, [EVENT], [], 3))
        numbers.measure(Waiting(oldest))
    assert fleet.total() == Counts(3, 9, 0, 210, 9, 900, 6, 600, 5_000_000)
    fleet.give_back(found.pop())
    assert fleet.total() == Counts(2, 6, 0, 140, 6, 600, 4, 400, 7_000_000)
    assert fleet.take().read() == Counts()


def test_what_a_child_counts_its_parent_reads_and_the_next_child_goes_on() -> None:
    numbers = NodeNumbers()

    def count() -> None:
        numbers.connected()
        numbers.received(70, Batch(1.0, [EVENT, EVENT], [], 3))
        numbers.received(5, None)

    in_a_child(count)
    assert numbers.read() == Counts(events=2, rejected=3, connections=1, bytes=75)
    in_a_child(count)
    assert numbers.read() == Counts(events=4, rejected=6, connections=2, bytes=150)


def test_what_was_in_the_memory_of_a_dead_process_is_there_no_more() -> None:
    waiting = Waiting(5.5)
    numbers = NodeNumbers()
    numbers.measure(waiting)
    assert numbers.read() == Counts(0, 0, 0, 0, 3, 300, 2, 200, 5_500_000)
    numbers.process_ended()
    assert numbers.read() == Counts(0, 0, 0, 0, 0, 0, 2, 200, 5_500_000)
    waiting.spooled_events = 0
    numbers.measure(waiting)
    numbers.process_ended()
    assert numbers.read().oldest == 0


def test_a_histogram_counts_what_is_at_most_a_bound() -> None:
    histogram = Histogram((1, 10), shared_numbers(4))
    for size in (0.5, 1, 1.5, 10, 10.5, 1000):
        histogram.add(size)
    found = histogram.read()
    assert found.buckets == [(1, 2), (10, 4), (float("inf"), 6)]
    assert found.total == 1023.5


def test_the_daemons_numbers_show_each_side_what_the_other_one_knows() -> None:
    numbers = DaemonNumbers()
    assert numbers.summary() is None
    in_a_child(lambda: numbers.count_commit(5, 2, 0.25))
    assert (numbers.committed, numbers.rejected) == (5, 2)
    assert numbers.commit_seconds.read().total == 0.25
    for summary in (Summary(4, 3, 20, 10, 1234.5, 0.5), Summary(4, 3, 0, 0, None, 0.0)):
        numbers.publish(summary)
        assert numbers.summary() == summary
