"""Which events become birds when their nodes may name only so many new species: a table."""

import pytest

from birdwatcher.writer.birds.newcomers import divide

Named = list[tuple[int, str]]


@pytest.mark.parametrize(
    ("named", "new", "left", "beyond"),
    [
        ([(1, "a"), (1, "b")], {"a", "b"}, {1: 2}, []),
        ([(1, "a"), (1, "b"), (1, "a"), (1, "b")], {"a", "b"}, {1: 1}, [(1, "b"), (1, "b")]),
        ([(1, "known"), (1, "a")], {"a"}, {1: 0}, [(1, "a")]),
        ([(1, "a")], {"a"}, {1: -3}, [(1, "a")]),  # the bound was lowered meanwhile
        # What one node may name is there for the others, too, even for what they said before.
        ([(1, "a"), (2, "a"), (2, "b"), (1, "b")], {"a", "b"}, {1: 0, 2: 1}, [(2, "b"), (1, "b")]),
        ([(1, "a"), (2, "known")], {"a"}, {1: 1}, []),
    ],
)
def test_so_many_new_species_of_a_node_and_not_one_more(
    named: Named, new: set[str], left: dict[int, int], beyond: Named
) -> None:
    events = [(node, (at, species, f"#{at}"), 0.0) for at, (node, species) in enumerate(named)]
    birds, others, made = divide(events, new, left)
    assert [(node, species) for node, (_, species, _), _ in others] == beyond
    assert sorted([*birds, *others], key=lambda event: event[1]) == events
    assert made.keys() == new - {species for _, species in beyond}
