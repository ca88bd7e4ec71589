"""Nodes that vanish from the table: one was deleted, most of them are missed."""

import pytest

from nodeproc.wire.messages import NodeSpec
from supervisor.table import NodeTable

PATIENCE = 60.0


def spec(number: int, *, enabled: bool = True) -> NodeSpec:
    return NodeSpec(number, f"Node {number}", "10.0.3.2", number, enabled=enabled)


def table(*specs: NodeSpec) -> NodeTable:
    found = NodeTable()
    found.update(specs, 0.0, PATIENCE)
    return found


@pytest.mark.parametrize(
    ("before", "vanish", "held"),
    [(1, 1, 1), (2, 1, 0), (2, 2, 2), (5, 2, 0), (5, 3, 3), (5, 5, 5)],
)
def test_more_than_half_of_them_are_held(before: int, vanish: int, held: int) -> None:
    found = table(*map(spec, range(before)))
    found.update(map(spec, range(vanish, before)), 1.0, PATIENCE)
    assert (found.held, len(found.wanted)) == (held, before - vanish + held)


def test_what_was_disabled_before_was_deleted_on_purpose() -> None:
    found = table(spec(1, enabled=False), spec(2, enabled=False), spec(3))
    found.update([spec(3)], 1.0, PATIENCE)
    assert (found.held, list(found.wanted)) == (0, [3])


def test_they_are_held_until_they_are_back_and_no_longer_than_said() -> None:
    found = table(spec(1), spec(2), spec(3))
    found.update([], 10.0, PATIENCE)
    found.update([spec(1)], 20.0, PATIENCE)
    assert (found.held, sorted(found.wanted), found.until) == (2, [1, 2, 3], 70.0)
    found.update([spec(1), spec(2), spec(3)], 30.0, PATIENCE)
    assert (found.held, found.give_up(1e9)) == (0, False)
    found.update([], 40.0, PATIENCE)
    assert not found.give_up(99.9)
    assert found.give_up(100.0)
    assert not found.wanted
