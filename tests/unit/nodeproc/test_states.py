"""The table of transitions, walked."""

import itertools

import pytest

from nodeproc.states import TRANSITIONS, NodeState, check_transition


@pytest.mark.parametrize(("old", "new"), list(itertools.product(NodeState, repeat=2)))
def test_exactly_the_transitions_of_the_table_are_allowed(old: NodeState, new: NodeState) -> None:
    if new in TRANSITIONS[old]:
        check_transition(old, new)
    else:
        with pytest.raises(ValueError, match=f"from {old} to {new}"):
            check_transition(old, new)


def test_every_state_is_reached_from_the_first_and_none_is_a_dead_end() -> None:
    reached, found = set(), {NodeState.STARTING}
    while found - reached:
        reached |= found
        found = {new for old in reached for new in TRANSITIONS[old]} | found
    assert reached == set(NodeState)
    assert all(TRANSITIONS[state] for state in NodeState)
