"""The books: what the nodes sent against what the database holds."""

from collections import Counter
from collections.abc import Iterable

from birdwatcher.birds.models import Bird
from tests.support.packets import Sighting
from tests.support.waiting import wait_until

# Seconds for the last bird to reach the database: the promise is "at once", the machine is busy.
ARRIVING = 30.0


def stored(node: int) -> list[Sighting]:
    """Return what the database holds of a node, in order."""
    rows = Bird.objects.filter(node_id=node).values_list("timestamp", "species__name", "name")
    return sorted(Sighting(*row) for row in rows)


def wait_for_birds(node: int, sent: Iterable[Sighting]) -> None:
    """Wait until the node has as many birds as it sent; then they must be the very same.

    Times are compared as moments, whatever offset they were sent with, to the microsecond.
    """
    expected = sorted(sent)
    wait_until(
        lambda: Bird.objects.filter(node_id=node).count() >= len(expected),
        timeout=ARRIVING,
        message=lambda: f"{len(expected)} birds of node {node}, there are {len(stored(node))}",
    )
    found = stored(node)
    if found != expected:
        missing = sorted((Counter(expected) - Counter(found)).elements())
        extra = sorted((Counter(found) - Counter(expected)).elements())
        raise AssertionError(f"node {node}: missing {missing[:5]}, too many {extra[:5]}")
