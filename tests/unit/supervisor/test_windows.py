"""How much of a node may be on its way to the writer."""

from nodeproc.wire.messages import Through
from nodeproc.wire.subjects import Subject
from supervisor.windows import Windows

FLOODER, HONEST = 1, 2


def through(node: int, size: int) -> list[Through]:
    return [Through(Subject.NODES, node, size)]


def test_a_node_is_held_back_alone_until_the_writer_is_through_with_enough() -> None:
    windows = Windows(100)
    assert not windows.sent(FLOODER, 100)
    assert windows.sent(FLOODER, 1)
    assert not windows.sent(FLOODER, 50)  # it is held back already
    assert not windows.sent(HONEST, 10)
    assert windows.is_full(FLOODER)
    assert not windows.is_full(HONEST)
    assert windows.through(through(FLOODER, 50)) == []
    assert windows.through(through(HONEST, 10) + through(FLOODER, 1)) == [FLOODER]
    assert windows.through(through(FLOODER, 100)) == []
    assert windows.sent(FLOODER, 101)


def test_a_new_writer_has_nothing_of_anyone() -> None:
    windows = Windows(100)
    windows.sent(FLOODER, 1000)
    windows.clear()
    assert not windows.is_full(FLOODER)
    assert windows.through(through(FLOODER, 1000)) == []  # what the one before still said
    assert windows.sent(FLOODER, 101)
