"""What the processes may hold has room in the reserve."""

import pytest

from nodeproc.limits import MIB, NodeLimits
from supervisor.room import shared, wanted

KIB = 1024
LIMITS = NodeLimits(retained_bytes=MIB, spool_reserve_bytes=128 * MIB)


@pytest.mark.parametrize(
    ("nodes", "reserve", "retained"),
    [
        (0, 0, MIB),
        (1, 2 * MIB, MIB),
        (1, 100 * MIB, MIB),
        (64, 128 * MIB, MIB),
        (100, 128 * MIB, 640 * KIB),
        (1000, 128 * MIB, 64 * KIB),
        (2, 256 * KIB, 64 * KIB),
        (2, 0, 64 * KIB),
    ],
)
def test_the_fewer_bytes_a_node_has_the_less_it_holds(
    nodes: int, reserve: int, retained: int
) -> None:
    assert shared(LIMITS, nodes, reserve).retained_bytes == retained


def test_without_a_reserve_nothing_is_changed() -> None:
    none = NodeLimits(spool_reserve_bytes=0)
    assert (wanted(none, 9), shared(none, 9, 0)) == (0, none)
    assert (wanted(LIMITS, 3), wanted(LIMITS, 1000)) == (6 * MIB, 128 * MIB)
