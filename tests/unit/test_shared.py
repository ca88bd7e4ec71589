"""Numbers that processes share."""

import multiprocessing
from collections.abc import Callable

from nodeproc.board import Board, Summary
from nodeproc.shared import Histogram
from nodeproc.tally import Counts, Tally
from nodeproc.wire import Batch

EVENT = (0, "Erithacus rubecula", "Robin")


def in_a_child(work: Callable[[], None]) -> None:
    process = multiprocessing.get_context("fork").Process(target=work)
    process.start()
    process.join(20)
    assert process.exitcode == 0


def test_what_a_child_counts_its_parent_reads_and_the_next_child_goes_on() -> None:
    tally = Tally()

    def count() -> None:
        tally.connected()
        tally.received(70, Batch(1.0, [EVENT, EVENT], [], 3))
        tally.received(5, None)

    in_a_child(count)
    assert tally.read() == Counts(events=2, rejected=3, connections=1, bytes=75)
    in_a_child(count)
    assert tally.read() == Counts(events=4, rejected=6, connections=2, bytes=150)


def test_what_was_in_the_memory_of_a_dead_process_is_there_no_more() -> None:
    class Waits:
        events, size, spooled_events, spooled_bytes, oldest = 3, 300, 2, 200, 5.5

    tally = Tally()
    tally.measure(Waits())
    assert tally.read() == Counts(0, 0, 0, 0, 3, 300, 2, 200, 5_500_000)
    tally.process_ended()
    assert tally.read() == Counts(0, 0, 0, 0, 0, 0, 2, 200, 5_500_000)
    Waits.spooled_events = 0
    tally.measure(Waits())
    tally.process_ended()
    assert tally.read().oldest == 0


def test_a_histogram_counts_what_is_at_most_a_bound() -> None:
    histogram = Histogram(1, 10)
    for size in (0.5, 1, 1.5, 10, 10.5, 1000):
        histogram.add(size)
    found = histogram.read()
    assert found.buckets == [(1, 2), (10, 4), (float("inf"), 6)]
    assert found.total == 1023.5


def test_the_board_shows_each_side_what_the_other_one_knows() -> None:
    board = Board()
    assert board.summary() is None
    in_a_child(lambda: board.count_commit(5, 2, 0.25))
    assert (board.committed, board.rejected) == (5, 2)
    assert board.commit_seconds.read().total == 0.25
    for summary in (Summary(4, 3, 20, 10, 1234.5, 0.5), Summary(4, 3, 0, 0, None, 0.0)):
        board.put_up(summary)
        assert board.summary() == summary
